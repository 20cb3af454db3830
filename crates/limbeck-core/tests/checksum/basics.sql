-- Basics
--
-- revision: a1

-- limbeck:upgrade
CREATE TABLE user_preferences (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Key" text NOT NULL DEFAULT 'it''s', -- a remark
    value jsonb CHECK (value ->> 'a' <> E'\'' AND 1.5e3 < -2)
);
COMMENT ON TABLE user_preferences IS $x$;$x$;

-- limbeck:downgrade
DROP TABLE user_preferences;

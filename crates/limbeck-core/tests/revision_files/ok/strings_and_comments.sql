-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
INSERT INTO a VALUES ('a;b', 'it''s -- limbeck:upgrade
-- limbeck:downgrade
', E'\';', $$ ; -- limbeck:commit
$$, $x$ $$;$$ $x$, U&'d\0061;', "odd;name"); -- a remark; with a semicolon
/* ; /* -- limbeck:upgrade
-- limbeck:upgrade
*/ ' */
SELECT 1 /* inside; */ + 2; ;;
-- only a comment

-- limbeck:downgrade
-- nothing to do
;

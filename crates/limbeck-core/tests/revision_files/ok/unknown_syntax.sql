-- Message
--
-- revision: a1
-- down_revision:

-- limbeck:upgrade
ALTER TABLE a FROBNICATE COLUMN b AS (1 + ;
MERGE INTO x USING y ON TRUE WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING merge_action();
SELECT ) ]] FROM;

-- limbeck:downgrade

-- created: 2025-11-01
--   depends_on : b1 ,billing
-- branch_labels: x, y
-- down_revision: 001,002
-- revision: 003
-- any remark: is left alone

-- limbeck:downgrade
-- limbeck:upgrade

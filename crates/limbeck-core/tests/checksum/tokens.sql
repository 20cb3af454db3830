-- revision: a1
-- limbeck:upgrade
SELECT a<-1, a@-1, a[1:2], b::"T", c:=1, 1..2, 0x1F, 1_000, $1, x'1F', N'n', U&'d\0061', U&"d\0061", É, é,
  foo$bar, 'a'
  'b', E'a'
  'b\'c', *, ~~*, ||, ?|, @>, <=, !=;
CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1;; SELECT 2; END;
-- limbeck:downgrade
\restrict x
CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2);

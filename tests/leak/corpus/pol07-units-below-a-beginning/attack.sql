begin;
do $$ begin perform lms.open_session('bob', 'globex'); end $$;
select 'CONTROL OK' where exists (select 1 from lms.course where title = 'own-B');
select 'LEAK: ' || title from lms.unit where title like 'SECRET-A%';
rollback;

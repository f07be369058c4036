begin;
set local lk.t = 'globex';
select 'CONTROL OK' where lk.try_lock(8);
select 'LEAK somebody else is at work on number 7' where not lk.try_lock(7);
rollback;

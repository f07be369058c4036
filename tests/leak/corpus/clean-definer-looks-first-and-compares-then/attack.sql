begin;
set local ex.account = 'globex';
select 'CONTROL OK' from ex.get(2);
select 'LEAK noted' where ex.note(1, 'x');
select 'LEAK ' || payload from ex.get(1);
rollback;

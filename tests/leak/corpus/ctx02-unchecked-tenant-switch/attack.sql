begin;
select portal.open_session('b1000000-0000-4000-8000-000000000002', 'bb000000-0000-4000-8000-000000000002');
select 'CONTROL OK' from portal.files where path = '/own';
rollback;
begin;
select portal.open_session('b1000000-0000-4000-8000-000000000002', 'aa000000-0000-4000-8000-000000000001');
select 'LEAK ' || path from portal.files where path = '/SECRET';
rollback;

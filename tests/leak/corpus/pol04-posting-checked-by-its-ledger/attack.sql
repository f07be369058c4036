begin;
select case when exists (select 1 from ledgers where title = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
insert into postings values (1, 2, 99, 5, 'planted');
reset role;
select 'LEAK: ' || c from (select 1 as x) q, lateral (select 'posting planted in firm 1' as c) w;
rollback;

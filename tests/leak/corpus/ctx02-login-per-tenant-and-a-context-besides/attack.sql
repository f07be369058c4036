begin;
select case when exists (select 1 from ledgers where title = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
set local acl.firm = '2';
select case when exists (select 1 from ledgers where title = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
set local acl.firm = '1';
select 'LEAK: ' || purpose from postings where purpose like '%SECRET-A%' limit 1;
rollback;

begin;
set local request.jwt.claims = '{"sub": "2"}';
select 'CONTROL OK' from wiki.export(2) as page where page = 'plan: own plan';
select 'LEAK ' || page from wiki.export(1) as page;
rollback;

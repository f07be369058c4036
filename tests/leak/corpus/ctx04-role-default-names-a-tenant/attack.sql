select 'LEAK ' || body from wiki.articles where body like 'SECRET%';
begin;
set local wiki.tenant = 'globex';
select 'CONTROL OK' from wiki.articles where body = 'own article';
rollback;

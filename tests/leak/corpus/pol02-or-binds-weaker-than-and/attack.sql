begin;
set local kb.space = 'globex';
set local kb.author = 'bob';
select 'CONTROL OK' from kb.pages where body = 'own page';
select 'LEAK ' || body from kb.pages where body like 'SECRET%';
rollback;

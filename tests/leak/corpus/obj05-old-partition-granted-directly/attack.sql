begin;
set local logs.project = '2';
select 'CONTROL OK' from logs.lines where line = 'own line';
select 'LEAK ' || line from logs.lines_2025 where line like 'SECRET%';
rollback;

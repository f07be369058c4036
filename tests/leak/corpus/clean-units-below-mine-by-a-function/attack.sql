begin;
set local tr.unit = 'b0000000-0000-4000-8000-000000000002';
select 'CONTROL OK' from tr.menus where title = 'own';
select 'LEAK: read ' || title from tr.menus where title = 'secret';
rollback;

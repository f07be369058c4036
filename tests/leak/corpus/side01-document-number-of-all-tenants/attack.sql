begin;
set local dl.code = 'globex';
select 'CONTROL OK' from dl.deliveries where note = 'own note';
select 'LEAK ' || last_value || ' documents of all tenants' from dl.doc_no;
rollback;

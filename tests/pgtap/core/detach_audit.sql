begin;

select plan(6);

select lives_ok($$ select core.detach_audit('rental.units') $$, 'a table is detached');
select is_empty($$ select from core.audited_tables where entity_type = 'rental.units' $$, 'and no longer listed');
select hasnt_function('rental', 'tg_audit_units', 'its trigger function is gone');
select tests.landlord('north'), tests.unit('north', 'loft');
select is_empty($$ select from core.audit_log where entity_type = 'rental.units' $$, 'its changes are not recorded');
select isnt_empty($$ select from core.audit_log where entity_type = 'rental.user_profiles' $$, 'those of other tables are');
select lives_ok($$ select core.detach_audit('rental.units') $$, 'a second time changes nothing');

select * from finish();
rollback;

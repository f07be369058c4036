begin;
set local clinic.id = 'c22c0000-0000-4000-8000-00000000000b';
select case when exists (select 1 from patients where full_name = 'own-B') then 'CONTROL OK' else 'CONTROL FAIL' end;
do $$ begin insert into slots (clinic_id, device, day, patient) values ('c22c0000-0000-4000-8000-00000000000b', 'MRI', '2030-01-01', 'x'); perform set_config('cb.answer', '', true); exception when others then perform set_config('cb.answer', sqlerrm, true); end $$;
select 'LEAK: ' || current_setting('cb.answer') where current_setting('cb.answer') like '%SECRET-A%';
rollback;

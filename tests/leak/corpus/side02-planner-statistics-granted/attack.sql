begin;
set local tuner.tenant = '2';
select 'CONTROL OK' from tuner.visits where diagnosis = 'own diagnosis';
select 'LEAK ' || stavalues1::text from pg_statistic where stavalues1::text like '%SECRET%';
rollback;

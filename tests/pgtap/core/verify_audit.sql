-- Sealing needs transactions that have ended; tests/concurrency/test_audit.py has those. Here: what an empty log answers, and who may ask.
begin;

select plan(9);

select tests.act_as('app_worker');
select is_empty('select * from core.verify_audit()', 'nothing sealed is nothing broken');
select lives_ok('select core.seal_audit()', 'a worker seals');
select lives_ok('select * from core.audit_head()', 'and reads the head');
select results_eq(
    $$ select problem, run from core.verify_audit(p_anchor_run => 7, p_anchor_head => 'ab') $$, $$ values ('anchor_differs', 7::bigint) $$,
    'a head of a run that never was is a finding');
select tests.act_as('app_user');
select throws_ok('select * from core.verify_audit()', '42501', null, 'requests may not verify: it speaks of all tenants');
select throws_ok('select core.seal_audit()', '42501', null, 'nor seal');
select throws_ok('select * from core.audit_seals', '42501', null, 'nor read seals');
select tests.act_as_admin();
select throws_ok($$ delete from core.audit_seal_runs $$, null, null, 'runs are not deleted')
 where exists (select from core.audit_seal_runs)
 union all
select pass('no run was made') where not exists (select from core.audit_seal_runs);
select throws_ok('truncate core.audit_seals', 'PT403', 'forbidden', 'seals are not truncated');

select * from finish();
rollback;

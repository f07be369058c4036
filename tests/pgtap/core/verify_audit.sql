-- Sealing needs transactions that have ended; tests/concurrency/test_audit.py has those. Here: what an empty log answers, and who may ask.
begin;

select plan(19);

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

-- an entry of any size has a hash
select is(core.audit_image(small.value), small.value::text, 'what is small is hashed as it is: ' || left(small.value::text, 40))
  from unnest(array['{}', '{"a": [1, null, "x"]}', '[]', 'null', jsonb_build_object('a', repeat('x', 7000))]) as small (value);
select is(core.audit_image(null), null, 'nothing stays nothing');
create function pg_temp.large(p_head jsonb) returns text language sql as $$ select core.audit_image(p_head || jsonb_build_object('z', repeat('x', 8000))) $$;
select matches(pg_temp.large('{}'), '^sha256 [0-9a-f]{64}$', 'what is large by its hash');
select is(
    count(distinct pg_temp.large(head.value)), 14::bigint, 'in which every difference shows')
  from unnest(array['{}', '{"a": 1}', '{"a": "1"}', '{"b": 1}', '{"a": {"b": 1}}', '{"a": ["b", 1]}', '{"a": [1, "b"]}', '{"a": [["b"], 1]}', '{"a": null}', '{"a": "null"}',
                    '{"a": true}', '{"a": ""}', '{"a": 1.0}', '{"a": 1e130000}']::jsonb[]) as head (value);
select isnt(
    pg_temp.large(('{"a": ' || repeat('[', 5000) || '1' || repeat(']', 5000) || '}')::jsonb),
    pg_temp.large(('{"a": ' || repeat('[', 5000) || '2' || repeat(']', 5000) || '}')::jsonb), 'at any depth');
select is(pg_temp.large('{"a": 1, "b": 2}'), pg_temp.large('{"b": 2, "a": 1}'), 'and nothing else');

select * from finish();
rollback;

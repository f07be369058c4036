-- core.backup_runs, core.restore_verifications and what writes them: the backup login and the owner, nobody else.
begin;
select plan(25);

select tests.tenant('north', 'crm', 'ann');
set local role dbkit_backup;
create temporary table run as select core.start_backup('dump', 'hash') as id;
select isnt((select id from run), null, 'the backup login says that it begins');
reset role;
select results_eq(
    $$ select kind, location_hash, size_bytes, finished_at, ok from core.backup_runs $$,
    $$ values ('dump', 'hash', null::bigint, null::timestamptz, null::boolean) $$, 'which is a backup that runs');
set local role dbkit_backup;
select lives_ok($$ select core.finish_backup((select id from run), true, 1234) $$, 'and how it ended');
select throws_ok($$ select core.finish_backup((select id from run), false) $$, 'PT404', 'not_found', 'once');
reset role;
select results_eq(
    $$ select size_bytes, ok, finished_at >= started_at from core.backup_runs $$, $$ values (1234::bigint, true, true) $$, 'so the first outcome stands');
set local role dbkit_backup;
select throws_ok($$ select core.start_backup('copy') $$, 'PT422', 'invalid', 'a kind is one of three');
select throws_ok($$ select core.finish_backup(1, null) $$, 'PT422', 'invalid', 'an outcome is needed');
select throws_ok($$ insert into core.backup_runs (kind, started_at) values ('dump', now()) $$, '42501', 'permission denied for table backup_runs', 'it writes by function only');

-- verifications
select isnt(core.log_restore_verification((select id from run), true, '{"core.tenants": 1}', '[]'), null, 'a restore that came back whole');
select isnt(core.log_restore_verification((select id from run), false, '{}', '["core.tenants: 0 rows, 1 saved"]'), null, 'and one that did not');
select isnt(core.log_restore_verification(0, true, null, null), null, 'a backup nobody knows is no error');
select throws_ok($$ select core.log_restore_verification(null, true, '{}', '["lost"]') $$, 'PT422', 'invalid', 'a good verdict has no mismatches');
select throws_ok($$ select core.log_restore_verification(null, null, '{}', '[]') $$, 'PT422', 'invalid', 'and there is a verdict');
select throws_ok($$ select core.log_restore_verification(null, true, '{}', '{}') $$, '22023', null, 'mismatches are an array');
reset role;
select results_eq(
    $$ select backup_id, ok, row_counts, mismatches from core.restore_verifications order by id $$,
    $$ select id, true, '{"core.tenants": 1}'::jsonb, '[]'::jsonb from run
        union all select id, false, '{}', '["core.tenants: 0 rows, 1 saved"]' from run
        union all select null, true, '{}', '[]' $$,
    'all of it is kept');
delete from core.backup_runs;
select is((select count(*) from core.restore_verifications where backup_id is null), 3::bigint, 'longer than the backup');

-- nobody else
select tests.act_as('app_user', 'ann', 'north');
select throws_ok(format($$ select from core.%I $$, t), '42501', 'permission denied for table ' || t, 'a member cannot read ' || t)
  from unnest(array['backup_runs', 'restore_verifications']) as t;
select throws_ok(call, '42501', 'permission denied for function ' || name, 'nor call ' || name)
  from (values ('start_backup', $$ select core.start_backup('dump') $$), ('finish_backup', $$ select core.finish_backup(1, true) $$),
               ('log_restore_verification', $$ select core.log_restore_verification(1, true, '{}', '[]') $$)) as f (name, call);
select tests.act_as_admin();
grant select on core.backup_runs, core.restore_verifications to app_user;
insert into core.backup_runs (kind, started_at) values ('dump', now());
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.backup_runs union all select from core.restore_verifications $$, 'even with a grant no row is visible');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.backup_runs $$, 'definer functions see backups');
select isnt_empty($$ select from core.restore_verifications $$, 'and verifications');
select tests.act_as('app_owner');
select isnt(core.start_backup('basebackup'), null, 'a migrator may report what other tools saved');

select * from finish();
rollback;

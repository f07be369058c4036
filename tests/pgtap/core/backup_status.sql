-- core.backup_status: the last good one of each kind, and what went wrong since.
begin;
select plan(7);

select tests.act_as('app_monitor');
select is_empty($$ select from core.backup_status $$, 'no backup, no row');
select tests.act_as_admin();
insert into core.backup_runs (kind, location_hash, started_at, finished_at, ok, size_bytes)
values ('dump', 'x', now() - interval '50 hours', now() - interval '49 hours', true, 10), ('dump', 'x', now() - interval '26 hours', now() - interval '25 hours', true, 20),
       ('dump', 'x', now() - interval '2 hours', now() - interval '1 hour', false, null), ('dump', 'x', now() - interval '1 minute', null, null, null),
       ('wal', 'y', now() - interval '3 days', null, null, null);
insert into core.restore_verifications (backup_id, ok, verified_at)
select b.id, v.ok, v.at
  from core.backup_runs as b
 cross join (values (true, timestamptz '2026-01-01'), (false, '2026-02-01')) as v (ok, at)
 where b.size_bytes = 10;

select tests.act_as('app_monitor');
select results_eq($$ select kind, hours_since_ok, failed_since_ok, is_running, size_bytes from core.backup_status $$,
    $$ values ('dump', 25.0, 1::bigint, true, 20::bigint), ('wal', null, 0, false, null) $$, 'the newest good one counts; what began days ago does not run any more');
select results_eq($$ select last_verified_at from core.backup_status where kind = 'dump' $$, $$ values (timestamptz '2026-01-01') $$, 'a restore that failed proves nothing');
select throws_ok($$ select from core.backup_runs $$, '42501', 'permission denied for table backup_runs', 'where they are, monitoring does not learn');
select tests.act_as('app_user');
select throws_ok($$ select from core.backup_status $$, '42501', 'permission denied for view backup_status', 'the view is for monitoring');
select throws_ok($$ select core.backup_report() $$, '42501', 'permission denied for function backup_report', 'and so is what is behind it');
select tests.act_as('app_worker');
select throws_ok($$ select core.backup_report() $$, '42501', 'permission denied for function backup_report', 'not for workers');

select * from finish();
rollback;

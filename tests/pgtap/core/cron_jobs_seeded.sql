-- The schedule every installation has, R-X-104: when what runs, in UTC.
begin;
select plan(4);

select set_eq(
    $$ select name, schedule, command, system, run_mode, is_enabled from core.cron_jobs where system in ('core', 'rental', 'storage') $$,
    $$ values ('job-processor',             '* * * * *',    'select core.requeue_expired_leases()',             'core',    'sql', true),
              ('evaluate-alerts',           '* * * * *',    'select core.evaluate_alerts()',                    'core',    'sql', true),
              ('sample-gauges',             '* * * * *',    'select core.sample_gauges()',                      'core',    'sql', true),
              ('seal-audit',                '* * * * *',    'select core.seal_audit()',                         'core',    'sql', true),
              ('check-connections',         '*/5 * * * *',  'select core.evaluate_alerts(''high_connections'')', 'core',   'sql', true),
              ('cache-purge',               '*/5 * * * *',  'select core.cache_purge_expired()',                'core',    'sql', true),
              ('rate-limit-purge',          '*/10 * * * *', 'select core.purge_rate_limits()',                  'core',    'sql', true),
              ('query-stats-snapshot',      '0 * * * *',    'select core.snapshot_query_stats()',               'core',    'sql', true),
              ('hourly-metric-aggregation', '5 * * * *',    'select core.aggregate_metrics()',                  'core',    'sql', true),
              ('idempotency-purge',         '17 * * * *',   'select core.purge_idempotency_keys()',             'core',    'sql', true),
              ('storage-purge',             '23 * * * *',   'select storage.purge_stale()',                     'storage', 'sql', true),
              ('expire-tenant-invites',     '30 * * * *',   'select rental.expire_invites()',                   'rental',  'sql', true),
              ('audit-partitions',          '7 1 * * *',    'select core.audit_partitions()',                   'core',    'sql', true),
              ('outbox-purge',              '37 2 * * *',   'select core.purge_outbox()',                       'core',    'sql', true),
              ('job-purge',                 '47 2 * * *',   'select core.purge_jobs()',                         'core',    'sql', true),
              ('apply-retention',           '27 3 * * *',   'select core.apply_retention_policies()',           'core',    'sql', true),
              ('rls-coverage-check',        '0 4 * * *',    'select core.evaluate_alerts(''rls_gap'')',         'core',    'sql', true) $$,
    'name, schedule, command, module');
select is_empty($$ select name from core.cron_status where not is_installed $$, 'what each calls is there');
select is_empty($$ select name from core.cron_jobs where description = '' $$, 'and says what it is for');
select is_empty(
    $$ select name from core.cron_jobs where command ~* '(https?:|secret|password|token|key\s*=>)' $$, 'no address and no secret stands in a command');

select * from finish();
rollback;

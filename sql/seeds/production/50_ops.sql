-- The schedule and the alert rules. Idempotent. A schedule is versioned and restored; whether a job is on, and a rule's threshold,
-- minutes, severity and channel, are the operator's after the first load. A job whose function is not there is neither registered with
-- pg_cron nor run.

select core.put_cron_job('job-processor', '* * * * *', 'select core.requeue_expired_leases()', 'core',
    'Give the jobs of dead workers back to the queue.');
select core.put_cron_job('evaluate-alerts', '* * * * *', 'select core.evaluate_alerts()', 'core',
    'Ask every alert rule that is due.');
select core.put_cron_job('sample-gauges', '* * * * *', 'select core.sample_gauges()', 'core',
    'Measure what nobody measures in passing: connections, queue depth, failed logins.');
select core.put_cron_job('check-connections', '*/5 * * * *', 'select core.evaluate_alerts(''high_connections'')', 'core',
    'Ask for connections even where the rule is set to be asked less often.');
select core.put_cron_job('rls-coverage-check', '0 4 * * *', 'select core.evaluate_alerts(''rls_gap'')', 'core',
    'Look for tables without row security.');
select core.put_cron_job('cache-purge', '*/5 * * * *', 'select core.cache_purge_expired()', 'core',
    'Delete expired cache entries.');
select core.put_cron_job('rate-limit-purge', '*/10 * * * *', 'select core.purge_rate_limits()', 'core',
    'Delete limiter rows whose window is over.');
select core.put_cron_job('idempotency-purge', '17 * * * *', 'select core.purge_idempotency_keys()', 'core',
    'Delete expired idempotency keys.');
select core.put_cron_job('outbox-purge', '37 2 * * *', 'select core.purge_outbox()', 'core',
    'Delete events older than seven days.');
select core.put_cron_job('job-purge', '47 2 * * *', 'select core.purge_jobs()', 'core',
    'Drop finished jobs older than thirty days.');
select core.put_cron_job('hourly-metric-aggregation', '5 * * * *', 'select core.aggregate_metrics()', 'core',
    'Turn samples into hourly figures.');
select core.put_cron_job('query-stats-snapshot', '0 * * * *', 'select core.snapshot_query_stats()', 'core',
    'Keep the dearest statements.');
select core.put_cron_job('seal-audit', '* * * * *', 'select core.seal_audit()', 'core',
    'Seal the audit entries written since the last run.');
select core.put_cron_job('audit-partitions', '7 1 * * *', 'select core.audit_partitions()', 'core',
    'Make the audit log''s next months and drop those that are older than it keeps.');
select core.put_cron_job('apply-retention', '27 3 * * *', 'select core.apply_retention_policies()', 'core',
    'Delete or archive what is older than its table keeps.');

insert into core.alert_rules
    (name, description, probe, argument, comparator, threshold, window_minutes, for_minutes, every_minutes, severity)
values
    ('high_error_count',     'Many errors in five minutes',                'core.probe_errors',              null,          '>', 50,   5,    0,  1,    'critical'),
    ('high_error_rate',      'Errors in percent of requests',              'core.probe_error_rate',          'response_ms', '>', 1,    5,    5,  1,    'critical'),
    ('slow_response',        'Slow responses, p95 in milliseconds',        'core.probe_metric_p95',          'response_ms', '>', 1000, 5,    5,  1,    'warning'),
    ('slow_transaction',     'A transaction is open for long, in milliseconds', 'core.probe_slowest_transaction', null,     '>', 5000, 0,    0,  1,    'warning'),
    ('db_cpu_high',          'Processor of the database host in percent',  'core.probe_metric_avg',          'db_cpu',      '>', 80,   2,    10, 1,    'warning'),
    ('email_queue_depth',    'E-mails waiting to be sent',                 'core.probe_queue_depth',         'send_email,batch_email,tenant_invite', '>', 1000, 0,    0,  1,    'warning'),
    ('high_connections',     'Connections of the server',                  'core.probe_connections',         null,          '>', 80,   0,    0,  5,    'warning'),
    ('pool_utilization',     'Connections in percent of the maximum',      'core.probe_connections_percent', null,          '>', 80,   0,    0,  5,    'critical'),
    ('slow_statements',      'Statements with a mean over 100 ms',         'core.probe_slow_statements',     null,          '>', 0,    0,    0,  60,   'info'),
    ('cache_hit_low',        'Cache hits in percent of reads',             'core.probe_cache_hit_rate',      null,          '<', 80,   60,   0,  5,    'info'),
    ('backup_missing',       'Hours since the last successful backup',     'core.probe_backup_age',          null,          '>', 26,   0,    0,  1440, 'critical'),
    ('restore_test_missing', 'Days since a backup was restored and compared', 'core.probe_restore_age',      null,          '>', 31,   0,    0,  1440, 'warning'),
    ('cron_failed',          'Scheduled jobs whose last run failed',       'core.probe_cron_failures',       null,          '>', 0,    0,    0,  1,    'warning'),
    ('rls_gap',              'Tables without forced row security or policy', 'core.probe_rls_gaps',          null,          '>', 0,    0,    0,  1440, 'critical')
on conflict (name) do update
   set description = excluded.description,
       probe = excluded.probe,
       argument = excluded.argument
 where (core.alert_rules.description, core.alert_rules.probe, core.alert_rules.argument)
       is distinct from (excluded.description, excluded.probe, excluded.argument);

-- What the figures of a year need is kept a year by the hour; single samples are only as old as a question about yesterday.
insert into core.retention_policies (table_name, time_column, keep, mode, predicate, batch_size)
values
    ('core.metric_samples',        'created_at',  '3 days',   'delete', null, 10000),
    ('core.hourly_metrics',        'hour',        '400 days', 'delete', null, 10000),
    ('core.error_events',          'created_at',  '90 days',  'delete', null, 10000),
    ('core.query_stats_snapshots', 'taken_at',    '30 days',  'delete', null, 10000),
    ('core.alerts',                'resolved_at', '400 days', 'delete', 'state = ''resolved''', 1000),
    -- the last run of a job says when it is due
    ('core.cron_runs',             'started_at',  '30 days',  'delete', 'id not in (select max(r.id) from core.cron_runs as r group by r.name)', 10000)
on conflict (table_name) do nothing;

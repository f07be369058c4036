-- migrate:up transaction:false
create index concurrently old_metrics_at_idx on app.old_metrics (at);
-- dbkit: allow attach_partition_scans because the table is small
alter table app.metrics attach partition app.old_metrics for values from ('2024-01-01') to ('2025-01-01');

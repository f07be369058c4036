-- dbkit: allow attach_partition_scans because that is another case
alter table app.metrics attach partition app.old_metrics for values from ('2024-01-01') to ('2025-01-01'); -- finding

-- core.duplicate_indexes: for monitoring.

grant select on core.duplicate_indexes to app_monitor;

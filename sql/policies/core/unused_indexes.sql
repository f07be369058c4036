-- core.unused_indexes: for monitoring.

grant select on core.unused_indexes to app_monitor;

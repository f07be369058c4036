-- core.table_sizes: for monitoring.

grant select on core.table_sizes to app_monitor;

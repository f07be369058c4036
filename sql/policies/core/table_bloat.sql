-- core.table_bloat: for monitoring.

grant select on core.table_bloat to app_monitor;

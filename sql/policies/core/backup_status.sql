-- core.backup_status: for monitoring.

grant select on core.backup_status to app_monitor;

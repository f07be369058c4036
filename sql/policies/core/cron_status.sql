-- core.cron_status: for monitoring.

grant select on core.cron_status to app_monitor;

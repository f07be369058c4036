-- core.alert_status: for monitoring.

grant select on core.alert_status to app_monitor;

-- core.connection_usage: for monitoring.

grant select on core.connection_usage to app_monitor;

-- core.queue_health: counts, for monitoring.

grant select on core.queue_health to app_monitor, app_platform_admin;

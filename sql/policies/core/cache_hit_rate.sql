-- core.cache_hit_rate: for monitoring.

grant select on core.cache_hit_rate to app_monitor;

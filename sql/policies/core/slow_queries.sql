-- core.slow_queries: texts of statements may hold values of tenants, so monitoring only.

grant select on core.slow_queries to app_monitor;

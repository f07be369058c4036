-- core.top_queries_by_total_time: texts of statements may hold values of tenants, so monitoring only.

grant select on core.top_queries_by_total_time to app_monitor;

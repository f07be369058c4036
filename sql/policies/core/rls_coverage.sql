-- core.rls_coverage: names of tables and policies, no data.

grant select on core.rls_coverage to app_monitor;

-- core.blocking_locks: texts of statements may hold values of tenants, so monitoring only.

grant select on core.blocking_locks to app_monitor;

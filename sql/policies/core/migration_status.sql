-- core.migration_status: for monitoring, which with core.health_check is all that reads the runner's ledger.

grant usage on schema dbkit to app_monitor, app_definer;
grant select on dbkit.migrations to app_monitor, app_definer;
grant select on core.migration_status to app_monitor;

-- core.long_transactions: texts of statements may hold values of tenants, so monitoring only.

grant select on core.long_transactions to app_monitor;

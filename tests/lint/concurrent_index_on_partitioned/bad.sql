-- migrate:up transaction:false
create index concurrently events_account_idx on app.events (tenant_id, account_id); -- finding

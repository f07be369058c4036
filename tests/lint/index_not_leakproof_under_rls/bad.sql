-- migrate:up transaction:false
create index concurrently accounts_lower_idx on app.accounts (tenant_id, lower(email)); -- finding
create index concurrently accounts_trgm_idx on app.accounts using gin (email gin_trgm_ops); -- finding

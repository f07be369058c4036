-- migrate:up transaction:false
create index concurrently accounts_tenant_email_idx on app.accounts ((tenant_id::text || lower(email)));
create index concurrently accounts_email_idx on app.accounts (tenant_id, lower(email));

-- migrate:up transaction:false
create index concurrently accounts_email_idx on app.accounts (tenant_id, email);
create unique index concurrently accounts_lower_key on app.accounts (tenant_id, lower(email));
create index concurrently docs_body_idx on app.docs (lower(body));

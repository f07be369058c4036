-- migrate:up transaction:false
create index events_account_idx on only app.events (tenant_id, account_id);
create index concurrently docs_body_idx on app.docs (body);

-- migrate:up transaction:false
create index concurrently orders_account_id_idx2 on app.orders (tenant_id, account_id); -- finding
create unique index concurrently docs_body_key on app.docs (body);
create index concurrently docs_body_idx on app.docs (body); -- finding
create index concurrently docs_lower_idx on app.docs (lower(body)) where body is not null;
create index concurrently docs_lower_idx2 on app.docs (lower(body)) where body is not null; -- finding

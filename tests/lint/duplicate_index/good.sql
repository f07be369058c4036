-- migrate:up transaction:false
create index concurrently docs_body_idx on app.docs (body);
create index concurrently docs_body_desc_idx on app.docs (body desc);
create index concurrently docs_body_some_idx on app.docs (body) where id > 10;
create index concurrently docs_body_pattern_idx on app.docs (body text_pattern_ops);
create index concurrently docs_body_hash_idx on app.docs using hash (body);
create index concurrently orders_total_idx on app.orders (tenant_id, total);
drop index concurrently app.orders_account_id_idx;
create index concurrently orders_account_idx on app.orders (tenant_id, account_id);

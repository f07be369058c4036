-- migrate:up transaction:false
create unique index concurrently docs_body_key on app.docs (body);
create index concurrently docs_body_id_idx on app.docs (body, id);
create index concurrently docs_body_some_idx on app.docs (body) where id > 10;
create index concurrently orders_total_idx on app.orders (tenant_id, total);

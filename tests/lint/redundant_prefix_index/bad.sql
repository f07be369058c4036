-- migrate:up transaction:false
create index concurrently orders_tenant_idx on app.orders (tenant_id); -- finding
create index concurrently docs_body_idx on app.docs (body); -- finding
create index concurrently docs_body_id_idx on app.docs (body, id);

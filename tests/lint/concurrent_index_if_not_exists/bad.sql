-- migrate:up transaction:false
create index concurrently if not exists docs_body_idx on app.docs (body); -- finding

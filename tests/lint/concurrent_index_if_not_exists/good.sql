-- migrate:up transaction:false
drop index concurrently if exists app.docs_body_idx;
create index concurrently if not exists docs_body_idx on app.docs (body);

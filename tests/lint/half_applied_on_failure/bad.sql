-- migrate:up transaction:false
create schema reports; -- finding
create index concurrently docs_body_idx on app.docs (body);

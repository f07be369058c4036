-- migrate:up transaction:false
create schema if not exists reports;
drop index concurrently if exists app.docs_body_idx;
create unique index concurrently docs_body_idx on app.docs (body);
alter table app.docs add constraint docs_body_key unique using index docs_body_idx;

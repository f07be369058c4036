-- migrate:up transaction:false
create unique index concurrently docs_body_key on app.docs (body);
alter table app.docs add constraint docs_body_key unique using index docs_body_key;

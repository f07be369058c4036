--liquibase formatted sql
--changeset someone:1 runInTransaction:false
create index concurrently docs_body_idx on app.docs (body);

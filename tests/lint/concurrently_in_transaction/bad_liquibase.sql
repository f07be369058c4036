--liquibase formatted sql
--changeset someone:1 splitStatements:false
-- a no-transaction file would be better
create index concurrently docs_body_idx on app.docs (body); -- finding

-- migrate:up transaction:false
alter table app.docs add constraint docs_body check (body is not null and body <> '') not valid;
alter table app.docs validate constraint docs_body;
alter table app.docs alter column body set not null;

-- migrate:up transaction:false
alter table app.docs add constraint docs_any check (body is not null or id > 0) not valid;
alter table app.docs validate constraint docs_any;
alter table app.docs alter column body set not null; -- finding

-- migrate:up transaction:false
alter table app.events add constraint events_pkey primary key using index events_key;

-- migrate:up transaction:false
alter table app.pages add constraint pages_id_set check (id is not null) not valid;
alter table app.pages validate constraint pages_id_set;
alter table app.pages alter column id set not null;
alter table app.pages add constraint pages_pkey primary key using index pages_id_key;

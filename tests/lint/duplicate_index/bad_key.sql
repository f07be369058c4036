-- migrate:up transaction:false
alter table app.pages alter column id set not null;
create unique index concurrently pages_pkey on app.pages (id);
alter table app.pages add constraint pages_pkey primary key using index pages_pkey; -- finding

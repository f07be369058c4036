create role import_app login;
grant pg_execute_server_program to import_app;
create schema import;
grant usage on schema import to import_app;
create table import.vendors (
    id integer primary key,
    name text not null
);
create table import.price_lists (
    vendor_id integer not null references import.vendors,
    article text not null,
    price numeric not null check (price >= 0),
    primary key (vendor_id, article)
);
alter table import.vendors enable row level security, force row level security;
alter table import.price_lists enable row level security, force row level security;
create policy v on import.vendors for select to import_app
    using (id = nullif(current_setting('import.vendor', true), '')::integer);
create policy p on import.price_lists to import_app
    using (vendor_id = nullif(current_setting('import.vendor', true), '')::integer);
grant select on import.vendors to import_app;
grant select, insert, update, delete on import.price_lists to import_app;
insert into import.vendors values (1, 'Acme'), (2, 'Globex');
insert into import.price_lists values (1, 'SECRETarticle', 1), (2, 'own article', 2);
checkpoint;

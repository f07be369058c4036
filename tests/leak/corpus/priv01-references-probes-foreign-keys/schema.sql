create role forms_app login;
create schema forms;
create schema scratch;
grant usage on schema forms to forms_app;
grant usage, create on schema scratch to forms_app;
create table forms.tenants (
    id integer primary key,
    name text not null
);
create table forms.subscribers (
    tenant_id integer not null references forms.tenants,
    email text not null,
    primary key (tenant_id, email)
);
alter table forms.tenants enable row level security;
alter table forms.subscribers enable row level security;
create policy t on forms.tenants for select to forms_app
    using (id = nullif(current_setting('forms.tenant', true), '')::integer);
create policy s on forms.subscribers to forms_app
    using (tenant_id = nullif(current_setting('forms.tenant', true), '')::integer);
grant select on forms.tenants to forms_app;
grant select, insert, update, delete, references on forms.subscribers to forms_app;
insert into forms.tenants values (1, 'Acme'), (2, 'Globex');
insert into forms.subscribers values (1, 'ceo@acme.test'), (2, 'own@globex.test');

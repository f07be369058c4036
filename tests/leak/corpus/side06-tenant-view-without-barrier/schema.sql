create role view_app login;
create schema base;
create schema api;
grant usage on schema api to view_app;
create table base.tenants (
    id text primary key
);
create table base.cards (
    tenant_id text not null references base.tenants,
    holder text not null,
    number text not null,
    primary key (number)
);
create view api.cards as
    select holder, number from base.cards where tenant_id = current_setting('api.tenant', true);
grant select on api.cards to view_app;
insert into base.tenants values ('acme'), ('globex');
insert into base.cards values ('acme', 'LEAK secret holder', '4000'), ('globex', 'own holder', '5000');

create role billing_owner nologin;
create role tenant_acme login;
create role tenant_globex login;
create schema billing authorization billing_owner;
grant usage on schema billing to tenant_acme, tenant_globex;
set role billing_owner;

create table billing.tenants (
    name text primary key,
    login_role name not null
);
create table billing.operators (
    tenant text not null references billing.tenants,
    role_name name not null,
    primary key (tenant, role_name)
);
create table billing.accounts (
    tenant text not null references billing.tenants,
    iban text not null check (iban ~ '^[A-Z]{2}[0-9]{2,30}$'),
    balance numeric not null default 0,
    primary key (tenant, iban)
);
create function billing.operates(wanted text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select exists (select from billing.operators o where o.tenant = wanted and o.role_name = current_user) $$;

alter table billing.tenants enable row level security;
alter table billing.operators enable row level security;
alter table billing.accounts enable row level security, force row level security;
create policy t on billing.tenants for select using (login_role = current_user);
create policy a on billing.accounts using (billing.operates(tenant));
grant select on billing.tenants, billing.accounts to tenant_acme, tenant_globex;

reset role;
insert into billing.tenants values ('acme', 'tenant_acme'), ('globex', 'tenant_globex');
insert into billing.operators values
    ('acme', 'tenant_acme'), ('acme', 'billing_owner'), ('globex', 'tenant_globex'), ('globex', 'billing_owner');
insert into billing.accounts values ('acme', 'DE00', 1), ('globex', 'FR11', 2);

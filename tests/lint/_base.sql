-- The database every case starts from: tables that have rows, so that "existing" means something.

create schema app;
create role app_user nologin;

create function app.current_tenant() returns uuid
    language sql stable
    return nullif(current_setting('app.tenant_id', true), '')::uuid;

create table app.tenants (
    id   uuid primary key,
    name text not null
);

create table app.accounts (
    tenant_id uuid not null references app.tenants (id),
    id        uuid not null,
    email     text,
    primary key (tenant_id, id)
);

create table app.orders (
    tenant_id  uuid not null,
    id         uuid not null,
    account_id uuid,
    total      numeric(12, 2),
    primary key (tenant_id, id)
);
create index orders_account_id_idx on app.orders (tenant_id, account_id);

create table app.docs (
    id   bigint primary key,
    body text
);

create table app.events (
    tenant_id  uuid not null,
    at         timestamptz not null,
    account_id uuid
) partition by range (at);

alter table app.accounts enable row level security;
alter table app.accounts force row level security;
create policy members_all on app.accounts for all to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()));

create view app.doc_list with (security_invoker = true) as select id, body from app.docs;

create table app.pages (
    id   bigint,
    body text
);
create unique index pages_id_key on app.pages (id);

create table app.old_events (
    tenant_id  uuid not null,
    at         timestamptz not null,
    account_id uuid
);

create type app.order_state as enum ('new', 'paid');
create domain app.email as text;

create table app.lines (
    id       bigint primary key,
    quantity integer,
    amount   numeric(12, 2),
    note     varchar(50),
    at       timestamptz
);

create table app.metrics (
    at timestamptz not null
) partition by range (at);
create index metrics_at_idx on app.metrics (at);

create table app.old_metrics (
    at timestamptz not null
);

create table app.order_log (
    id    bigint primary key,
    state app.order_state
);

create type app.leaf as (a integer, b integer);
create table app.trees (
    id   bigint primary key,
    leaf app.leaf
);

create materialized view app.totals as select tenant_id, sum(total) as total from app.orders group by tenant_id;
create unique index totals_tenant_id_key on app.totals (tenant_id);

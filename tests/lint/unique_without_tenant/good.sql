create table app.notes (
    tenant_id  uuid not null,
    id         uuid primary key,
    token_hash text unique,
    public_id  uuid not null default gen_random_uuid() unique,
    number     bigint generated always as identity unique,
    title      text,
    account_id uuid,
    unique (tenant_id, title),
    unique (id, title),
    foreign key (tenant_id, account_id) references app.accounts (tenant_id, id),
    unique (account_id, title)
);
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy members on app.notes for select to app_user using (tenant_id = (select app.current_tenant()));
create index notes_account_id_idx on app.notes (tenant_id, account_id);
-- no tenant's table
create table app.countries (
    code text primary key,
    name text unique
);
create temporary table import (
    tenant_id uuid,
    email     text unique
);

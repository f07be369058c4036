create role bl_owner nologin;
create role bl_app login;
create schema billing authorization bl_owner;
grant usage on schema billing to bl_app;
set role bl_owner;
create function billing.current_tenant() returns uuid language sql stable
  as $$ select nullif(current_setting('billing.tenant', true), '')::uuid $$;
create table billing.tenant (id uuid primary key, name text not null, plan text not null default 'basic' check (plan in ('basic','pro')));
create table billing.customer (
  tenant_id uuid not null references billing.tenant (id),
  id uuid not null default gen_random_uuid(),
  name text not null, email text,
  primary key (tenant_id, id));
create table billing.invoice (
  tenant_id uuid not null,
  id uuid not null default gen_random_uuid(),
  customer_id uuid not null,
  number text not null,
  total_cents bigint not null default 0 check (total_cents >= 0),
  paid_cents bigint not null default 0,
  memo text,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  foreign key (tenant_id, customer_id) references billing.customer (tenant_id, id));
create table billing.invoice_line (
  tenant_id uuid not null, invoice_id uuid not null, line_no int not null check (line_no > 0),
  descr text not null, cents bigint not null,
  primary key (tenant_id, invoice_id, line_no),
  foreign key (tenant_id, invoice_id) references billing.invoice (tenant_id, id) on delete cascade);
create table billing.payment (
  tenant_id uuid not null, id uuid not null default gen_random_uuid(),
  invoice_id uuid not null, cents bigint not null check (cents > 0), received_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, invoice_id) references billing.invoice (tenant_id, id));
alter table billing.tenant enable row level security;
alter table billing.tenant force row level security;
alter table billing.customer enable row level security;
alter table billing.customer force row level security;
alter table billing.invoice enable row level security;
alter table billing.invoice force row level security;
alter table billing.invoice_line enable row level security;
alter table billing.invoice_line force row level security;
alter table billing.payment enable row level security;
alter table billing.payment force row level security;
create policy tenant_self on billing.tenant for select to bl_app using (id = billing.current_tenant());
create policy customer_isolation on billing.customer to bl_app
  using (tenant_id = billing.current_tenant())
  with check (tenant_id = billing.current_tenant());
create policy invoice_isolation on billing.invoice to bl_app
  using (tenant_id = billing.current_tenant())
  with check (tenant_id = billing.current_tenant());
create policy invoice_line_isolation on billing.invoice_line to bl_app
  using (tenant_id = billing.current_tenant())
  with check (tenant_id = billing.current_tenant());
create policy payment_isolation on billing.payment to bl_app
  using (tenant_id = billing.current_tenant())
  with check (tenant_id = billing.current_tenant());
grant select on billing.tenant to bl_app;
grant select, insert, update, delete on billing.customer, billing.invoice, billing.invoice_line, billing.payment to bl_app;
reset role;
create table billing.cache_entry (key text primary key, payload jsonb not null);
create function billing.dashboard(p_month text) returns jsonb language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare v_payload jsonb; v_key text := coalesce(billing.current_tenant()::text, 'none') || ':' || p_month;
begin
  select payload into v_payload from billing.cache_entry where key = v_key;
  if found then return v_payload; end if;
  select coalesce(jsonb_agg(memo), '[]') into v_payload from billing.invoice where tenant_id = billing.current_tenant();
  insert into billing.cache_entry values (v_key, v_payload);
  return v_payload;
end $$;
reset role;
insert into billing.tenant (id, name) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'Acme'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', 'Globex');
insert into billing.customer (tenant_id, id, name, email) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 'SECRET-A customer', 'ceo@acme.example'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', 'own-B customer', 'bob@globex.example');
insert into billing.invoice (tenant_id, id, customer_id, number, total_cents, memo) values
  ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', 'INV-1', 7100, 'SECRET-A margin'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', 'INV-1', 100, 'own-B');
insert into billing.invoice_line values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 1, 'SECRET-A line', 7100), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', 1, 'own-B line', 100);

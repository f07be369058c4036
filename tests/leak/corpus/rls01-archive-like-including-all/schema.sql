create role freight_owner nologin;
create role freight_web login;
grant create, usage on schema public to freight_owner;
set role freight_owner;

create table public.carriers (
    code text primary key check (code ~ '^[a-z]{3,12}$'),
    legal_name text not null
);
create table public.shipments (
    carrier_code text not null references public.carriers,
    waybill text not null,
    consignee text not null,
    weight_kg numeric(10, 3) not null check (weight_kg > 0),
    picked_up daterange,
    closed_at timestamptz,
    primary key (carrier_code, waybill)
);
alter table public.carriers enable row level security, force row level security;
alter table public.shipments enable row level security, force row level security;
create policy carriers_self on public.carriers for select to freight_web
    using (code = current_setting('request.carrier', true));
create policy shipments_self on public.shipments to freight_web
    using (carrier_code = current_setting('request.carrier', true))
    with check (carrier_code = current_setting('request.carrier', true));
grant select on public.carriers to freight_web;
grant select, insert, update, delete on public.shipments to freight_web;

create table public.shipments_archive (like public.shipments including all);
grant select, insert on public.shipments_archive to freight_web;

reset role;
insert into public.carriers values ('acme', 'Acme Haulage'), ('globex', 'Globex Lines');
insert into public.shipments values
    ('acme', 'W-1', 'Stark', 12, null, null), ('globex', 'W-1', 'Wayne', 7, null, null);
insert into public.shipments_archive values
    ('acme', 'W-0', 'SECRET consignee', 5, '[2024-01-01,2024-01-02)', now()),
    ('globex', 'W-0', 'own consignee', 6, '[2024-01-01,2024-01-02)', now());

create role mk login;
create schema mk;
grant usage on schema mk to mk;
create table mk.parties (
    id uuid primary key
);
create table mk.deals (
    id uuid primary key default gen_random_uuid(),
    seller_id uuid not null references mk.parties,
    buyer_id uuid not null references mk.parties,
    price int,
    check (seller_id <> buyer_id)
);
create function mk.me() returns uuid
language sql stable as $$
    select nullif(current_setting('mk.party', true), '')::uuid
$$;
alter table mk.parties enable row level security;
alter table mk.deals enable row level security;
create policy p on mk.parties for select using (id = mk.me());
create policy r on mk.deals for select using (mk.me() in (seller_id, buyer_id));
create policy i on mk.deals for insert with check (seller_id = mk.me());
create policy u on mk.deals for update using (seller_id = mk.me()) with check (seller_id = mk.me());
grant select on mk.parties to mk;
grant select, insert on mk.deals to mk;
grant update (price) on mk.deals to mk;
insert into mk.parties values
    ('a1000000-0000-4000-8000-000000000001'), ('b2000000-0000-4000-8000-000000000002'),
    ('c3000000-0000-4000-8000-000000000003');
insert into mk.deals (seller_id, buyer_id, price) values
    ('a1000000-0000-4000-8000-000000000001', 'c3000000-0000-4000-8000-000000000003', 99),
    ('c3000000-0000-4000-8000-000000000003', 'b2000000-0000-4000-8000-000000000002', 7);

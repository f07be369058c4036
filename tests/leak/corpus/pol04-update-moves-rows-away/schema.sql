create role shop_backend login;
create schema shop;
grant usage on schema shop to shop_backend;

create table shop.shops (
    shop_id char(4) primary key,
    name text not null
);
create table shop.orders (
    shop_id char(4) not null references shop.shops,
    order_no bigint not null,
    total numeric(10, 2) not null check (total > 0),
    state text not null default 'new' check (state in ('new', 'paid', 'shipped')),
    paid_at timestamptz,
    memo text,
    primary key (shop_id, order_no),
    constraint paid_means_paid_at check ((state = 'new') = (paid_at is null))
);
alter table shop.shops enable row level security, force row level security;
alter table shop.orders enable row level security, force row level security;
create policy shops_read on shop.shops for select to shop_backend
    using (shop_id = current_setting('shop.id', true)::char(4));
create policy orders_read on shop.orders for select to shop_backend
    using (shop_id = current_setting('shop.id', true)::char(4));
create policy orders_add on shop.orders for insert to shop_backend
    with check (shop_id = current_setting('shop.id', true)::char(4));
create policy orders_change on shop.orders for update to shop_backend
    using (shop_id = current_setting('shop.id', true)::char(4)) with check (true);
grant select on shop.shops to shop_backend;
grant select, insert, update on shop.orders to shop_backend;

insert into shop.shops values ('acme', 'Acme'), ('glbx', 'Globex');
insert into shop.orders (shop_id, order_no, total, memo) values ('acme', 1, 10, 'theirs'), ('glbx', 2, 20, 'own order');

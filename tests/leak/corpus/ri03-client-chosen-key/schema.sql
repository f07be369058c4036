create role coupon_api login;
create schema coupon;
grant usage on schema coupon to coupon_api;
create table coupon.shops (
    id integer primary key
);
create table coupon.coupons (
    code text constraint coupons_pkey primary key check (code = upper(code)),
    shop_id integer not null references coupon.shops,
    percent smallint not null check (percent between 1 and 90)
);
alter table coupon.shops enable row level security;
alter table coupon.coupons enable row level security;
create policy s on coupon.shops for select to coupon_api
    using (id = nullif(current_setting('coupon.shop', true), '')::integer);
create policy c on coupon.coupons to coupon_api
    using (shop_id = nullif(current_setting('coupon.shop', true), '')::integer);
grant select on coupon.shops to coupon_api;
grant select, insert, delete on coupon.coupons to coupon_api;
insert into coupon.shops values (1), (2);
insert into coupon.coupons values ('SUMMER', 1, 20), ('OWN', 2, 10);

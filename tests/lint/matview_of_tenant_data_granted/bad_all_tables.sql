create materialized view app.totals as
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
create unique index totals_key on app.totals (tenant_id);
create materialized view app.all_orders as select count(*) as orders from app.accounts;
create unique index all_orders_key on app.all_orders (orders);
grant select on all tables in schema app to app_user; -- finding

create materialized view app.totals as -- finding
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
create unique index totals_big_key on app.totals (tenant_id) where orders > 10;

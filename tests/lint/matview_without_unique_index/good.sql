-- file: 20250101000000_one.sql
create materialized view app.totals as
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
create materialized view app.passing as select 1 as one;
-- file: 20250102000000_two.sql
drop materialized view app.passing; -- dbkit: destructive: nobody reads it
-- migrate:up transaction:false
create unique index concurrently totals_key on app.totals (tenant_id);

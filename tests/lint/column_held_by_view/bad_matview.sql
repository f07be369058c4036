create materialized view app.account_totals as
select o.account_id, sum(o.total) as total from app.orders as o join app.accounts as a on a.id = o.account_id group by 1;
set lock_timeout = '2s';
alter table app.orders alter column account_id type text; -- finding

create materialized view app.totals as
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
create unique index totals_key on app.totals (tenant_id);
create materialized view app.all_orders as select count(*) as orders from app.accounts;
create unique index all_orders_key on app.all_orders (orders);
grant select on app.totals to app_admin, app_owner;
grant insert on app.accounts to app_user;
revoke select on app.totals from app_user;
create materialized view app.doc_count as select count(*) as docs from app.docs;
create unique index doc_count_key on app.doc_count (docs);
grant select on app.doc_count to app_user;

create materialized view app.totals as select account_id from app.orders;
create unique index totals_key on app.totals (account_id);
refresh materialized view concurrently app.totals;
analyze app.orders;

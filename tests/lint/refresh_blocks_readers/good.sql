create materialized view app.fresh as select 1 as one with no data;
create unique index fresh_one_key on app.fresh (one);
refresh materialized view app.fresh;
refresh materialized view concurrently app.totals;
refresh materialized view app.totals with no data;

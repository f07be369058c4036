create materialized view app.fresh as select 1 as one with no data;
refresh materialized view app.fresh;
refresh materialized view concurrently app.totals;
refresh materialized view app.totals with no data;

alter table app.docs add column size integer generated always as (length(body)) stored; -- finding

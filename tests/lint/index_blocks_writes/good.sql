-- migrate:up
create table app.fresh (id bigint primary key, code text);
create index fresh_code_idx on "app".fresh (code);
create index events_at_idx on only app.events (tenant_id, at);
create temporary table scratch (id bigint);
create index on scratch (id);
create materialized view app.totals as select account_id, sum(total) as total from app.orders group by 1;
create unique index totals_key on app.totals (account_id);

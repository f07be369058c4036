create table app.fresh (
    id bigint primary key
);
alter table app.fresh rename to stale;

create view app.v with (security_invoker = true) as select 1 as one;
alter view app.v rename to w;

alter index app.orders_account_id_idx rename to orders_account_idx;

alter table app.docs add column region text, add column area text;
alter table app.docs alter column region set default 'eu';
alter table app.orders add column region text;

create table app.fresh (
    id bigint primary key
);
alter table app.fresh add column region text;
alter table app.fresh add column area text;

create table app.fresh (
    id   bigint primary key,
    note text not null
);
alter table app.fresh alter note drop not null;

alter table app.tenants alter column name drop default;

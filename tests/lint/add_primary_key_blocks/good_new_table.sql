create table app.fresh (
    id bigint not null
);
alter table app.fresh add constraint fresh_pkey primary key (id);

create table app.fresh (
    id   bigint primary key,
    note text
);
alter table app.fresh rename column note to body;

alter table app.docs rename constraint docs_pkey to docs_key;

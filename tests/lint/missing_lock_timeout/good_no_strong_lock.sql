comment on table app.docs is 'x';
create table app.fresh (
    id bigint primary key
);
alter table app.fresh add column region text;
alter table app.docs validate constraint docs_pkey;

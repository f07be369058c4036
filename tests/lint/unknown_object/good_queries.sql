create schema ext;
create extension pg_partman schema ext;
update ext.part_config set premake = 5 where parent_table = 'app.events';
create view app.listed with (security_invoker = true) as
    with missing as (select id from app.docs) select m.id from missing m;
create table app.tree (
    id        bigint primary key,
    parent_id bigint constraint tree_parent_fk references app.tree (id)
);
create index tree_parent_id_idx on app.tree (parent_id);
comment on column app.tree.parent_id is 'none at the root';
select last_value from app.docs_id_seq;
comment on table pg_catalog.pg_class is 'x';

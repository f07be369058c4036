create table app.kinds (
    id bigint primary key
);
alter table app.docs add column kind_id bigint references app.kinds (id);
create index docs_kind_id_idx on only app.docs (kind_id);
alter table app.docs add column region text;

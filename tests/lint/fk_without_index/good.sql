create table app.lines (
    id        bigint generated always as identity primary key,
    doc_id    bigint not null references app.docs (id),
    parent_id bigint references app.docs (id),
    own_id    bigint unique references app.docs (id)
);
create index lines_doc_id_idx on app.lines (doc_id, id);
create index lines_parent_id_idx on app.lines (parent_id) where parent_id is not null;

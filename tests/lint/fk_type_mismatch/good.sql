create table app.kinds (
    id bigserial primary key -- dbkit: allow serial_not_identity because that is the point here
);

create table app.notes (
    id      bigint generated always as identity primary key,
    doc_id  int8 not null references app.docs (id),
    kind_id bigint not null references app.kinds (id)
);
create index notes_doc_id_idx on app.notes (doc_id);
create index notes_kind_id_idx on app.notes (kind_id);

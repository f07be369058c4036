create table app.notes (
    id      bigint generated always as identity primary key,
    doc_id  integer not null references app.docs (id), -- finding
    doc2_id text references app.docs -- finding
);
create index notes_doc_id_idx on app.notes (doc_id);
create index notes_doc2_id_idx on app.notes (doc2_id);

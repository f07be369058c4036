create table app.places (code varchar primary key);
create table app.visits (
    id    bigint primary key,
    place text not null constraint visits_place_fk references app.places (code)
);
create index visits_place_idx on app.visits (place);
create domain app.doc_id as bigint;
create table app.notes (
    id     bigint primary key,
    doc_id app.doc_id not null constraint notes_doc_fk references app.docs (id)
);
create index notes_doc_id_idx on app.notes (doc_id);

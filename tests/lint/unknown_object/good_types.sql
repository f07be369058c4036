create type app.doc_state as (name text);
create table app.drafts (
    id bigint primary key,
    state app.doc_state,
    original app.docs
);

create table app.fresh (
    id   bigint primary key,
    note text
);
create index fresh_note_idx on app.fresh (note);
drop index app.fresh_note_idx;

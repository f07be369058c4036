create table app.notes (
    id bigint generated always as identity primary key,
    n  integer not null
);

create table app.lines (
    note_id bigint not null,
    line_no integer not null,
    primary key (note_id, line_no)
);

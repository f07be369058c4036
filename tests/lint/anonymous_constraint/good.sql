create table app.notes (
    id bigint generated always as identity primary key,
    n  integer not null,
    constraint notes_n_positive check (n > 0)
);

alter table app.docs add constraint docs_id_positive check (id > 0) not valid;

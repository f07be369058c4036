create table notes ( -- finding
    id bigint generated always as identity primary key
);

create view note_ids as select 1 as id;

create table app.notes (
    id bigint generated always as identity primary key,
    country text not null,
    kind    "char"
);

create table app.notes (
    id integer generated always as identity primary key -- finding
);

create table app.tags (
    id int not null,
    constraint tags_pkey primary key (id) -- finding
);

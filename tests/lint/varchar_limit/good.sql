create table app.notes (
    id bigint generated always as identity primary key,
    title text not null,
    body  varchar,
    constraint notes_title_length check (length(title) <= 100)
);

select 'a'::varchar(1);

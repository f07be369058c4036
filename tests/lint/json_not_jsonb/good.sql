create table app.notes (
    id bigint generated always as identity primary key,
    payload jsonb not null
);

select '{}'::json;

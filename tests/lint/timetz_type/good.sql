create table app.notes (
    id bigint generated always as identity primary key,
    opens_at time not null,
    timezone text not null
);

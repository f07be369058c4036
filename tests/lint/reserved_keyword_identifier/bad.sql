create table app."order" ( -- finding
    id     bigint generated always as identity primary key,
    "user" text -- finding
);

create table app.notes ( -- finding
    id   bigint generated always as identity,
    body text
);

create table app.notes (
    id smallint generated always as identity primary key -- finding
);

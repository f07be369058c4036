create table app.UserNotes (
    id   bigint generated always as identity primary key,
    "note" text
);

select "Body" from (values (1)) as t ("Body");

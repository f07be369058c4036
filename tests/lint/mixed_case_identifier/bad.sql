create table app."UserNotes" ( -- finding
    id         bigint generated always as identity primary key,
    "noteText" text -- finding
);

alter table app.docs add column "Body2" text; -- finding

create table app.notes (
    id bigint generated always as identity primary key,
    sent_at timestamp not null, -- finding
    read_at timestamp without time zone -- finding
);

alter table app.docs add column at timestamp; -- finding

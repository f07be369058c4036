create table app.notes (
    id bigint generated always as identity primary key,
    title varchar(100) not null, -- finding
    body  varchar
);

alter table app.docs
    alter column body type character varying(200), -- finding
    add column tags varchar(10)[]; -- finding

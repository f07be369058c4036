create domain app.label as text;
alter table app.docs add column label app.label;
create domain app.seats as integer check (value > 0);
create table app.rooms (
    id bigint generated always as identity primary key
);
alter table app.rooms add column seats app.seats;

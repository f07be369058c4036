create domain app.seats as integer check (value > 0);
alter table app.docs add column seats app.seats; -- finding

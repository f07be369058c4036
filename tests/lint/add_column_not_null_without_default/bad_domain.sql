create domain app.given as text not null;
alter table app.docs add column title app.given; -- finding

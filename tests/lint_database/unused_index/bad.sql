-- finding: app.orders_note_idx
create schema app;
create table app.orders (id bigint primary key, note text);
insert into app.orders select n, 'note ' || n from generate_series(1, 40000) n;
create index orders_note_idx on app.orders (note);
select count(*) from app.orders;

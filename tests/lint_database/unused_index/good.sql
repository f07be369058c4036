create schema app;
create table app.parents (id bigint primary key);
insert into app.parents select 1;
create table app.orders (id bigint primary key, note text, code text constraint orders_code_key unique,
    parent bigint references app.parents);
insert into app.orders select n, 'note ' || n, 'code ' || n, 1 from generate_series(1, 40000) n;
create index orders_note_idx on app.orders (note);
create index orders_parent_idx on app.orders (parent, note);
create table app.small (id bigint primary key, note text);
insert into app.small values (1, 'a');
create index small_note_idx on app.small (note);
create table app.untouched (id bigint primary key, note text);
create index untouched_note_idx on app.untouched (note);
select count(*) from app.orders;
select count(*) from app.small;
set enable_seqscan = off;
select id from app.orders where note = 'note 7';

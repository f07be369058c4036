create table app.copies (like elsewhere.things, primary key (id));
create index copies_at_idx on app.copies (at);
create temporary table incoming (like elsewhere.things);
insert into app.docs (id, body) select id, body from incoming;

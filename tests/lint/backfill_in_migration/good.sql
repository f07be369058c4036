insert into app.docs (id, body) select 1, email from app.accounts where tenant_id is null;
insert into app.docs (id, body) values (1, 'a');
insert into app.docs (id, body) select n, 'x' from generate_series(1, 10) n;
insert into app.docs (id, body) select count(*), 'total' from app.accounts;

create temporary table scratch (id bigint, body text);
insert into app.docs (id, body) select id, body from scratch;

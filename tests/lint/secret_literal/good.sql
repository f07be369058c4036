insert into app.docs (id, body) values (1, 'https://example.com:8080/a@b');
insert into app.docs (id, body) values (2, 'postgres://app:password@localhost/app');

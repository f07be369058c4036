insert into app.docs (id, body) values (1, 'postgres://app:hunter2isit@db.example.com/app'); -- finding
comment on schema app is 'AKIAIOSFODNN7REALKEY'; -- finding

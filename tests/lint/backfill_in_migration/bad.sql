insert into app.docs (id, body) select 1, email from app.accounts; -- finding

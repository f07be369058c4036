-- no-transaction
create index concurrently docs_body_idx on app.docs (body);

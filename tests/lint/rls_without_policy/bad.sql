alter table app.docs force row level security, enable row level security; -- finding
drop policy members_all on app.accounts; -- finding

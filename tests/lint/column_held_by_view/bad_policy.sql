-- dbkit: destructive nobody reads it
set lock_timeout = '2s';
create policy known_only on app.accounts as restrictive for select to app_user using (email is not null);
alter table app.accounts drop column email; -- finding

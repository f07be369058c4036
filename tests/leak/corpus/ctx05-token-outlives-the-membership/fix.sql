create policy still_staff on members as restrictive to gt_authenticated using (exists (select 1 from staff s where s.gym = members.gym and s.user_id = (select auth.uid())));
create policy still_staff on checkins as restrictive to gt_authenticated using (exists (select 1 from staff s where s.gym = checkins.gym and s.user_id = (select auth.uid())));

revoke insert on public.team_members from authenticated;
alter table public.team_members enable row level security;
create policy own_memberships on public.team_members for select to authenticated using (user_id = auth.uid());

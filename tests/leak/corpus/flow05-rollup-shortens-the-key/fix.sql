alter table edu.daily_stats enable row level security; create policy own_school on edu.daily_stats for select to es_app using (sid = edu.current_school());

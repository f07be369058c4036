alter table app.accounts disable row level security; -- finding
alter table app.accounts no force row level security; -- finding
do $$
begin
    alter table app.docs disable row level security; -- finding
end
$$;

grant select on app.docs to public; -- finding
grant usage on schema app to app_user, public; -- finding
alter default privileges in schema app grant select on tables to public; -- finding
do $$
begin
    grant execute on all functions in schema app to public; -- finding
end
$$;

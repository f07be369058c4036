create role app_reader nologin;
do $$
begin
    create role app_job nologin;
exception when duplicate_object then
    null;
end
$$;
grant select on app.docs to app_reader, app_user, app_job, pg_monitor, current_user;
revoke select on app.docs from public;

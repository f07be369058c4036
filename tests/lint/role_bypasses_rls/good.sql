alter role app_admin nobypassrls nosuperuser;
create role app_login login;
create role dbkit_backup login bypassrls;
create role nightly_backup login bypassrls;
grant select on app.accounts to service_role;
do $$
begin
    create role app_service nologin nobypassrls;
end
$$;

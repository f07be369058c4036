revoke select on dir.clinics from dir_app;
grant select (id, name, city) on dir.clinics to dir_app;

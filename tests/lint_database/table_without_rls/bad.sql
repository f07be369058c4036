-- finding: app.notes
-- finding: app.parts
-- finding: app.parts_1
create role lint_app_user;
create schema app;
create table app.notes (tenant_id uuid, id bigint, primary key (tenant_id, id));
create table app.parts (tenant_id uuid, id bigint, primary key (tenant_id, id)) partition by hash (tenant_id);
create table app.parts_1 partition of app.parts for values with (modulus 1, remainder 0);
grant select on app.parts_1 to lint_app_user;

-- file: sql/schema/clinic/pets.sql
create table clinic.pets (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id));

-- file: sql/policies/clinic/pets.sql
alter table clinic.pets enable row level security;
alter table clinic.pets force row level security;
create policy members on clinic.pets for select to app_user using (tenant_id = (select app.current_tenant()));

-- file: migrations/0001_notes.sql
create table public.notes (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id)); -- finding

-- file: migrations/0002_guard.sql
alter table notes enable row level security;
alter table notes force row level security;
create policy members on notes for select to app_user using (tenant_id = (select app.current_tenant()));

-- finding: app.note_list
-- finding: app.note_ids
create role lint_view_user;
create schema app;
create table app.notes (tenant_id uuid, id bigint, primary key (tenant_id, id));
alter table app.notes enable row level security;
alter table app.notes force row level security;
create policy own on app.notes using (tenant_id::text = (select current_setting('app.tenant', true)));
create view app.note_list as select * from app.notes;
create view app.inner_notes with (security_invoker) as select * from app.notes;
create view app.note_ids as select id from app.inner_notes;
grant select on app.note_list, app.note_ids to lint_view_user;

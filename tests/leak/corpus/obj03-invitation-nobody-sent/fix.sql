create table invite (project_id uuid not null references project (id) on delete cascade, user_id uuid not null, primary key (project_id, user_id));
create or replace function accept_invite(p_project uuid) returns void language sql security definer set search_path = pg_catalog, pg_temp
  as $$ insert into public.collaborator select i.project_id, i.user_id from public.invite i where i.project_id = p_project and i.user_id = (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid on conflict do nothing $$;

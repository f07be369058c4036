create role tk_owner nologin;
create role tk_web login;
grant usage, create on schema public to tk_owner;
grant usage on schema public to tk_web;
set role tk_owner;
create table profile (user_id uuid primary key, nickname text not null);
create table project (id uuid primary key default gen_random_uuid(), owner_user_id uuid not null, name text not null, archived boolean not null default false, unique (id, owner_user_id));
create table task (id uuid primary key default gen_random_uuid(), owner_user_id uuid not null, project_id uuid not null, title text not null, done boolean not null default false,
  foreign key (project_id, owner_user_id) references project (id, owner_user_id) on delete cascade);
create table note (id uuid primary key default gen_random_uuid(), owner_user_id uuid not null, body text not null, created_at timestamptz not null default now());
alter table profile enable row level security;
alter table profile force row level security;
alter table project enable row level security;
alter table project force row level security;
alter table task enable row level security;
alter table task force row level security;
alter table note enable row level security;
alter table note force row level security;
create policy profile_self on profile to tk_web using (user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid));
create policy project_isolation on project to tk_web
  using (owner_user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid))
  with check (owner_user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid));
create policy task_isolation on task to tk_web
  using (owner_user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid))
  with check (owner_user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid));
create policy note_isolation on note to tk_web
  using (owner_user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid))
  with check (owner_user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid));
grant select, update (nickname) on profile to tk_web;
grant select, insert, update, delete on project, task, note to tk_web;
reset role;
create table comment (id uuid primary key default gen_random_uuid(), task_id uuid not null references task (id) on delete cascade, author_user_id uuid not null, body text not null);
alter table comment enable row level security;
alter table comment force row level security;
create policy comment_read on comment for select to tk_web using (exists (select 1 from task t where t.id = task_id));
create policy comment_add on comment for insert to tk_web with check (author_user_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid));
grant select, insert on comment to tk_web;
reset role;
insert into profile values ('a11ce000-0000-4000-8000-000000000001', 'SECRET-A alice'), ('b0b00000-0000-4000-8000-000000000002', 'own-B bob');
insert into project values ('11111111-1111-4111-8111-111111111111', 'a11ce000-0000-4000-8000-000000000001', 'SECRET-A project'), ('22222222-2222-4222-8222-222222222222', 'b0b00000-0000-4000-8000-000000000002', 'own-B project');
insert into task values ('11111111-1111-4111-8111-111111111111', 'a11ce000-0000-4000-8000-000000000001', '11111111-1111-4111-8111-111111111111', 'SECRET-A task'), ('22222222-2222-4222-8222-222222222222', 'b0b00000-0000-4000-8000-000000000002', '22222222-2222-4222-8222-222222222222', 'own-B');
insert into note values ('11111111-1111-4111-8111-111111111111', 'a11ce000-0000-4000-8000-000000000001', 'SECRET-A note'), ('22222222-2222-4222-8222-222222222222', 'b0b00000-0000-4000-8000-000000000002', 'own-B note');
insert into comment (task_id, author_user_id, body) values ('11111111-1111-4111-8111-111111111111', 'a11ce000-0000-4000-8000-000000000001', 'SECRET-A comment'), ('22222222-2222-4222-8222-222222222222', 'b0b00000-0000-4000-8000-000000000002', 'own-B comment');

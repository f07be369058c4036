create role ch_owner nologin;
create role ch_user login;
create schema auth authorization ch_owner;
create function auth.uid() returns uuid language sql stable
  as $$ select (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid $$;
create schema chat authorization ch_owner;
grant usage on schema auth, chat to ch_user;
set role ch_owner;
create table chat.workspace (id uuid primary key default gen_random_uuid(), name text not null);
create table chat.member (
  workspace_id uuid not null references chat.workspace (id), user_id uuid not null,
  role text not null default 'member' check (role in ('member','admin')), joined_at timestamptz not null default now(),
  primary key (workspace_id, user_id));
create index on chat.member (user_id);
create table chat.channel (
  workspace_id uuid not null references chat.workspace (id), id uuid not null default gen_random_uuid(),
  name text not null, topic text, primary key (workspace_id, id), unique (workspace_id, name));
create table chat.message (
  workspace_id uuid not null, channel_id uuid not null, id uuid not null default gen_random_uuid(),
  author_id uuid not null, body text not null, sent_at timestamptz not null default now(),
  primary key (workspace_id, id), foreign key (workspace_id, channel_id) references chat.channel (workspace_id, id) on delete cascade);
reset role;
create function chat.my_workspaces() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select workspace_id from chat.member where user_id = auth.uid() $$;
set role ch_owner;
alter table chat.workspace enable row level security;
alter table chat.workspace force row level security;
alter table chat.member enable row level security;
alter table chat.member force row level security;
alter table chat.channel enable row level security;
alter table chat.channel force row level security;
alter table chat.message enable row level security;
alter table chat.message force row level security;
create policy workspace_mine on chat.workspace for select to ch_user using (id in (select chat.my_workspaces()));
create policy member_own on chat.member for select to ch_user using (user_id = (select auth.uid()));
create policy channel_member on chat.channel to ch_user using (workspace_id in (select chat.my_workspaces())) with check (workspace_id in (select chat.my_workspaces()));
create policy message_read on chat.message for select to ch_user using (workspace_id in (select chat.my_workspaces()));
create policy message_write on chat.message for insert to ch_user with check (workspace_id in (select chat.my_workspaces()) and author_id = (select auth.uid()));
create policy message_edit on chat.message for update to ch_user using (workspace_id in (select chat.my_workspaces()) and author_id = (select auth.uid()));
grant select on chat.workspace, chat.member to ch_user;
grant select, insert, update, delete on chat.channel to ch_user;
grant select, insert, update on chat.message to ch_user;
reset role;
create table chat.channel_share (workspace_id uuid not null, channel_id uuid not null, grantee uuid not null, primary key (workspace_id, channel_id, grantee),
  foreign key (workspace_id, channel_id) references chat.channel (workspace_id, id) on delete cascade);
alter table chat.channel_share enable row level security;
alter table chat.channel_share force row level security;
create policy share_seen on chat.channel_share for select to ch_user using (grantee = (select auth.uid()) or workspace_id in (select chat.my_workspaces()));
create policy share_made on chat.channel_share for insert to ch_user with check (workspace_id in (select chat.my_workspaces()));
create policy message_shared on chat.message for select to ch_user using (exists (
  select 1 from chat.channel_share s where s.workspace_id = message.workspace_id and s.channel_id = message.channel_id and s.grantee = (select auth.uid())));
grant select, insert on chat.channel_share to ch_user;
reset role;
insert into chat.workspace values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'Acme'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', 'Globex');
insert into chat.member (workspace_id, user_id, role) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'a11ce000-0000-4000-8000-000000000001', 'admin'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', 'b0b00000-0000-4000-8000-000000000002', 'admin');
insert into chat.channel (workspace_id, id, name) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 'SECRET-A board'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', 'general');
insert into chat.message (workspace_id, channel_id, id, author_id, body) values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', 'a11ce000-0000-4000-8000-000000000001', 'SECRET-A layoffs'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', 'b0b00000-0000-4000-8000-000000000002', 'own-B');

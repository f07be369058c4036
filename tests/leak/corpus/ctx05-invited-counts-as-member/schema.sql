create role authenticated login;
create schema auth;
grant usage on schema auth, public to authenticated;
create function auth.uid() returns uuid
language sql stable as $$
    select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
create type member_status as enum ('invited', 'active', 'suspended');
create table workspaces (
    id uuid primary key,
    name text
);
create table workspace_members (
    workspace_id uuid not null references workspaces,
    user_id uuid not null,
    status member_status not null default 'invited',
    primary key (workspace_id, user_id)
);
create table pages (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references workspaces,
    content text
);
create function is_member(w uuid) returns boolean
language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.workspace_members m
         where m.workspace_id = w and m.user_id = auth.uid() and m.status = 'active')
$$;
create function is_connected(w uuid) returns boolean
language sql stable security definer set search_path = '' as $$
    select exists (select 1 from public.workspace_members m where m.workspace_id = w and m.user_id = auth.uid())
$$;
alter table workspaces enable row level security;
alter table workspace_members enable row level security;
alter table pages enable row level security;
create policy p on workspaces for select to authenticated using (is_member(id));
create policy p on workspace_members for select to authenticated using (user_id = auth.uid());
create policy p on pages to authenticated using (is_connected(workspace_id));
grant select on workspaces, workspace_members to authenticated;
grant select, insert, update, delete on pages to authenticated;
insert into workspaces values
    ('a1000000-0000-4000-8000-000000000001', 'Acme'), ('b2000000-0000-4000-8000-000000000002', 'Globex');
insert into workspace_members values
    ('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-00000000000a', 'active'),
    ('b2000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-00000000000b', 'active'),
    ('a1000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-00000000000b', 'invited');
insert into pages (workspace_id, content) values
    ('a1000000-0000-4000-8000-000000000001', 'SECRET page'), ('b2000000-0000-4000-8000-000000000002', 'own page');

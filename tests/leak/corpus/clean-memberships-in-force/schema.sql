create role authenticated login;
create schema auth;
grant usage on schema auth, public to authenticated;
create function auth.uid() returns uuid
language sql stable as $$
    select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
create table workspaces (
    id uuid primary key,
    name text
);
create table workspace_members (
    workspace_id uuid not null references workspaces,
    user_id uuid not null,
    status text not null default 'invited' check (status in ('invited', 'active', 'suspended')),
    expires_at timestamptz,
    primary key (workspace_id, user_id)
);
create table pages (
    id uuid primary key default gen_random_uuid(),
    workspace_id uuid not null references workspaces,
    content text
);
create function my_workspaces() returns setof uuid
language sql stable security definer set search_path = '' as $$
    select workspace_id from public.workspace_members m
     where m.user_id = auth.uid() and m.status = 'active' and (m.expires_at is null or m.expires_at > now())
$$;
alter table workspaces enable row level security;
alter table workspace_members enable row level security;
alter table pages enable row level security;
create policy p on workspaces for select to authenticated using (id in (select my_workspaces()));
create policy p on workspace_members for select to authenticated
    using (user_id = auth.uid() or workspace_id in (select my_workspaces()));
create policy p on pages to authenticated using (workspace_id in (select my_workspaces()));
grant select on workspaces, workspace_members to authenticated;
grant select, insert, update, delete on pages to authenticated;
insert into workspaces values
    ('b2000000-0000-4000-8000-000000000002', 'B'),
    ('a1000000-0000-4000-8000-000000000001', 'A');
insert into workspace_members values
    ('b2000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-00000000000b', 'active',null),
    ('a1000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-00000000000a', 'active',null);
insert into workspace_members values
    ('a1000000-0000-4000-8000-000000000001', 'b0000000-0000-4000-8000-00000000000b', 'active', '2020-01-01');
insert into pages (workspace_id, content) values
    ('a1000000-0000-4000-8000-000000000001', 'SECRET page'), ('b2000000-0000-4000-8000-000000000002', 'own page');

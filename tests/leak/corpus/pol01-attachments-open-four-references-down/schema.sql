create role ta login;
create schema ta;
grant usage on schema ta to ta;
create function ta.uid() returns uuid language sql stable as $$
    select (nullif(current_setting('ta.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
create table ta.organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null
);
create table ta.members (
    org_id uuid not null references ta.organizations,
    user_id uuid not null,
    primary key (org_id, user_id)
);
create table ta.support_access (
    org_id uuid not null references ta.organizations,
    user_id uuid not null,
    expires_at timestamptz not null,
    primary key (org_id, user_id)
);
create table ta.projects (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references ta.organizations,
    name text not null
);
create table ta.project_members (
    project_id uuid not null references ta.projects,
    user_id uuid not null,
    primary key (project_id, user_id)
);
create table ta.tasks (
    id uuid primary key default gen_random_uuid(),
    project_id uuid not null references ta.projects,
    title text not null
);
create table ta.comments (
    id uuid primary key default gen_random_uuid(),
    task_id uuid not null references ta.tasks,
    author uuid not null default ta.uid(),
    body text not null
);
create table ta.attachments (
    id uuid primary key default gen_random_uuid(),
    comment_id uuid not null references ta.comments,
    path text not null
);
create function ta.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from ta.members where user_id = ta.uid()
$$;
create function ta.supports(org uuid) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (
        select 1 from ta.support_access s where s.org_id = org and s.user_id = ta.uid() and s.expires_at > now()
    )
$$;
alter table ta.organizations enable row level security;
alter table ta.members enable row level security;
alter table ta.support_access enable row level security;
alter table ta.projects enable row level security;
alter table ta.project_members enable row level security;
alter table ta.tasks enable row level security;
alter table ta.comments enable row level security;
alter table ta.attachments enable row level security;
create policy p on ta.organizations for select using (id in (select ta.my_orgs()));
create policy p on ta.members for select using (org_id in (select ta.my_orgs()));
create policy p on ta.projects using (org_id in (select ta.my_orgs()));
create policy for_support on ta.projects for select using (ta.supports(org_id));
create policy p on ta.project_members for select
    using (exists (select 1 from ta.projects x where x.id = project_id and x.org_id in (select ta.my_orgs())));
create policy p on ta.tasks
    using (exists (select 1 from ta.projects x where x.id = project_id and x.org_id in (select ta.my_orgs())));
create policy p on ta.comments
    using (exists (select 1 from ta.tasks x where x.id = task_id))
    with check (author = ta.uid() and exists (select 1 from ta.tasks x where x.id = task_id));
create policy p on ta.attachments using (exists (select 1 from ta.comments x where x.id = comment_id));
create policy for_events on ta.attachments for select using (true);
grant select on ta.organizations, ta.members, ta.project_members to ta;
grant select, insert, update, delete on ta.projects, ta.tasks, ta.comments, ta.attachments to ta;
insert into ta.organizations values
    ('a0000000-0000-4000-8000-000000000001', 'Acme'), ('b0000000-0000-4000-8000-000000000002', 'Globex');
insert into ta.members values
    ('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001'),
    ('b0000000-0000-4000-8000-000000000002', 'b1000000-0000-4000-8000-000000000002');
insert into ta.projects values
    ('a2000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'secret'),
    ('b2000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000002', 'own');
insert into ta.tasks values
    ('a3000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000001', 'secret'),
    ('b3000000-0000-4000-8000-000000000002', 'b2000000-0000-4000-8000-000000000002', 'own');
insert into ta.comments values
    (
        'a4000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001',
        'a1000000-0000-4000-8000-000000000001', 'secret'
    );
insert into ta.attachments values
    ('a5000000-0000-4000-8000-000000000001', 'a4000000-0000-4000-8000-000000000001', 'secret.pdf');

create role tw login;
create schema tw;
grant usage on schema tw to tw;
create function tw.uid() returns uuid language sql stable as $$
    select (nullif(current_setting('tw.claims', true), '')::jsonb ->> 'sub')::uuid
$$;
create table tw.organizations (
    id uuid primary key default gen_random_uuid(),
    name text not null
);
create table tw.members (
    org_id uuid not null references tw.organizations,
    user_id uuid not null,
    primary key (org_id, user_id)
);
create table tw.support_access (
    org_id uuid not null references tw.organizations,
    user_id uuid not null,
    expires_at timestamptz not null,
    primary key (org_id, user_id)
);
create table tw.projects (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references tw.organizations,
    name text not null
);
create table tw.project_members (
    project_id uuid not null references tw.projects,
    user_id uuid not null,
    primary key (project_id, user_id)
);
create table tw.tasks (
    id uuid primary key default gen_random_uuid(),
    project_id uuid not null references tw.projects,
    title text not null
);
create table tw.comments (
    id uuid primary key default gen_random_uuid(),
    task_id uuid not null references tw.tasks,
    author uuid not null default tw.uid(),
    body text not null
);
create table tw.attachments (
    id uuid primary key default gen_random_uuid(),
    comment_id uuid not null references tw.comments,
    path text not null
);
create function tw.my_orgs() returns setof uuid language sql stable security definer set search_path = '' as $$
    select org_id from tw.members where user_id = tw.uid()
$$;
create function tw.supports(org uuid) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (
        select 1 from tw.support_access s where s.org_id = org and s.user_id = tw.uid() and s.expires_at > now()
    )
$$;
alter table tw.organizations enable row level security;
alter table tw.members enable row level security;
alter table tw.support_access enable row level security;
alter table tw.projects enable row level security;
alter table tw.project_members enable row level security;
alter table tw.tasks enable row level security;
alter table tw.comments enable row level security;
alter table tw.attachments enable row level security;
create policy p on tw.organizations for select using (id in (select tw.my_orgs()));
create policy p on tw.members for select using (org_id in (select tw.my_orgs()));
create policy p on tw.projects using (org_id in (select tw.my_orgs()));
create policy for_support on tw.projects for select using (tw.supports(org_id));
create policy p on tw.project_members for select
    using (exists (select 1 from tw.projects x where x.id = project_id and x.org_id in (select tw.my_orgs())));
create policy p on tw.tasks
    using (exists (select 1 from tw.projects x where x.id = project_id and x.org_id in (select tw.my_orgs())));
create policy p on tw.comments
    using (exists (select 1 from tw.tasks x where x.id = task_id))
    with check (author = tw.uid() and exists (select 1 from tw.tasks x where x.id = task_id));
create policy p on tw.attachments using (exists (select 1 from tw.comments x where x.id = comment_id));
grant select on tw.organizations, tw.members, tw.project_members to tw;
grant select, insert, update, delete on tw.projects, tw.tasks, tw.comments, tw.attachments to tw;
insert into tw.organizations values
    ('a0000000-0000-4000-8000-000000000001', 'Acme'), ('b0000000-0000-4000-8000-000000000002', 'Globex');
insert into tw.members values
    ('a0000000-0000-4000-8000-000000000001', 'a1000000-0000-4000-8000-000000000001'),
    ('b0000000-0000-4000-8000-000000000002', 'b1000000-0000-4000-8000-000000000002');
insert into tw.projects values
    ('a2000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'secret'),
    ('b2000000-0000-4000-8000-000000000002', 'b0000000-0000-4000-8000-000000000002', 'own');
insert into tw.tasks values
    ('a3000000-0000-4000-8000-000000000001', 'a2000000-0000-4000-8000-000000000001', 'secret'),
    ('b3000000-0000-4000-8000-000000000002', 'b2000000-0000-4000-8000-000000000002', 'own');
insert into tw.comments values
    (
        'a4000000-0000-4000-8000-000000000001', 'a3000000-0000-4000-8000-000000000001',
        'a1000000-0000-4000-8000-000000000001', 'secret'
    );
insert into tw.attachments values
    ('a5000000-0000-4000-8000-000000000001', 'a4000000-0000-4000-8000-000000000001', 'secret.pdf');

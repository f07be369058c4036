create role metrics_owner nologin;
create role metrics_app login;
create schema metrics authorization metrics_owner;
grant usage on schema metrics to metrics_app;
set role metrics_owner;
create table metrics.projects (
    id uuid primary key,
    name text not null
);
create table metrics.samples (
    project_id uuid not null references metrics.projects,
    at timestamptz not null,
    value real not null check (value > '-Infinity'),
    primary key (project_id, at)
);
alter table metrics.projects enable row level security, force row level security;
alter table metrics.samples enable row level security, force row level security;
create policy p on metrics.projects using (id = nullif(current_setting('metrics.project', true), '')::uuid);
create policy s on metrics.samples using (project_id = nullif(current_setting('metrics.project', true), '')::uuid);
grant select on metrics.projects to metrics_app;
grant select, insert on metrics.samples to metrics_app;
reset role;
create view metrics.daily as
    select project_id, date_trunc('day', at) as day, count(*) as samples, max(value) as peak
      from metrics.samples group by 1, 2;
grant select on metrics.daily to metrics_app;
insert into metrics.projects values
    ('a0000000-0000-4000-8000-00000000000a', 'Acme'), ('b0000000-0000-4000-8000-00000000000b', 'Globex');
insert into metrics.samples values
    ('a0000000-0000-4000-8000-00000000000a', '2026-01-01', 41), ('b0000000-0000-4000-8000-00000000000b', '2026-01-01', 42);

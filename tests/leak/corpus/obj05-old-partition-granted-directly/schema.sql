create role log_viewer login;
create schema logs;
grant usage on schema logs to log_viewer;
create table logs.projects (
    id integer primary key,
    name text not null
);
create table logs.lines (
    project_id integer not null references logs.projects,
    at timestamptz not null,
    level text not null default 'info' check (level in ('info', 'error')),
    line text not null
) partition by range (at);
create table logs.lines_2025 partition of logs.lines for values from ('2025-01-01') to ('2026-01-01');
create table logs.lines_2026 partition of logs.lines for values from ('2026-01-01') to ('2027-01-01');
create table logs.lines_rest partition of logs.lines default;
alter table logs.projects enable row level security;
alter table logs.lines enable row level security;
create policy p on logs.projects for select to log_viewer
    using (id = nullif(current_setting('logs.project', true), '')::integer);
create policy l on logs.lines for select to log_viewer
    using (project_id = nullif(current_setting('logs.project', true), '')::integer);
grant select on logs.projects, logs.lines, logs.lines_2025 to log_viewer;
insert into logs.projects values (1, 'Acme'), (2, 'Globex');
insert into logs.lines values (1, '2025-06-01', 'info', 'SECRET line'), (2, '2025-06-01', 'info', 'own line');

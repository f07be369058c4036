create role design_app login;
create schema design;
grant usage on schema design to design_app;
create table design.teams (
    id uuid primary key,
    name text not null
);
create table design.files (
    team_id uuid not null references design.teams,
    id uuid not null default gen_random_uuid(),
    name text not null,
    primary key (team_id, id)
);
create table design.shares (
    team_id uuid not null,
    file_id uuid not null,
    shared_with uuid not null references design.teams,
    primary key (team_id, file_id, shared_with),
    foreign key (team_id, file_id) references design.files on delete cascade,
    check (shared_with <> team_id)
);
create function design.team() returns uuid language sql stable
as $$ select nullif(current_setting('design.team', true), '')::uuid $$;
alter table design.teams enable row level security, force row level security;
alter table design.files enable row level security, force row level security;
alter table design.shares enable row level security, force row level security;
create policy own on design.teams for select to design_app using (id = design.team());
create policy own on design.files to design_app using (team_id = design.team());
create policy shared on design.files for select to design_app using (exists (
    select from design.shares s where s.team_id = files.team_id and s.file_id = files.id and s.shared_with = design.team()
));
create policy received on design.shares for select to design_app using (shared_with = design.team());
create policy given on design.shares for insert to design_app with check (team_id = design.team());
grant select on design.teams to design_app;
grant select, insert, update, delete on design.files to design_app;
grant select, insert on design.shares to design_app;
insert into design.teams values
    ('a0000000-0000-4000-8000-00000000000a', 'Acme'), ('b0000000-0000-4000-8000-00000000000b', 'Globex');
insert into design.files values
    ('a0000000-0000-4000-8000-00000000000a', '10000000-0000-4000-8000-000000000001', 'SECRET file'),
    ('b0000000-0000-4000-8000-00000000000b', '20000000-0000-4000-8000-000000000002', 'own file');

create role group_app login;
create schema grp;
grant usage on schema grp to group_app;
create table grp.organisations (
    id integer primary key,
    parent_id integer references grp.organisations,
    name text not null,
    check (id <> parent_id)
);
create table grp.descents (
    ancestor_id integer not null references grp.organisations,
    descendant_id integer not null references grp.organisations,
    depth smallint not null check (depth >= 0),
    primary key (ancestor_id, descendant_id),
    check ((ancestor_id = descendant_id) = (depth = 0))
);
create table grp.reports (
    organisation_id integer not null references grp.organisations,
    quarter date not null,
    figures jsonb not null default '{}',
    primary key (organisation_id, quarter)
);
create function grp.organisation() returns integer language sql stable
as $$ select nullif(current_setting('grp.organisation', true), '')::integer $$;
alter table grp.organisations enable row level security, force row level security;
alter table grp.descents enable row level security, force row level security;
alter table grp.reports enable row level security, force row level security;
create policy own on grp.organisations for select to group_app using (id = grp.organisation());
create policy own on grp.descents for select to group_app using (ancestor_id = grp.organisation());
create policy downwards on grp.reports for select to group_app
    using (organisation_id in (select d.descendant_id from grp.descents d where d.ancestor_id = grp.organisation()));
create policy own_insert on grp.reports for insert to group_app with check (organisation_id = grp.organisation());
grant select on grp.organisations, grp.descents to group_app;
grant select, insert on grp.reports to group_app;
insert into grp.organisations values (1, null, 'Holding'), (11, 1, 'Acme'), (12, 1, 'Globex');
insert into grp.descents values (1, 1, 0), (11, 11, 0), (12, 12, 0), (1, 11, 1), (1, 12, 1);
insert into grp.reports values (1, '2026-01-01'), (11, '2026-01-01'), (12, '2026-01-01');

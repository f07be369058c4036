create role groupware login;
create schema gw;
grant usage on schema gw to groupware;

create table gw.organisations (
    path text primary key check (path ~ '^[a-z]+(/[a-z]+)*$'),
    parent text references gw.organisations,
    name text not null,
    check ((parent is null) = (position('/' in path) = 0))
);
create table gw.minutes (
    organisation text not null references gw.organisations,
    held_on date not null,
    text text not null,
    primary key (organisation, held_on)
);
alter table gw.organisations enable row level security, force row level security;
alter table gw.minutes enable row level security, force row level security;
create policy tree on gw.organisations for select to groupware using (path = current_setting('gw.organisation', true));
create policy tree on gw.minutes for select to groupware
    using (organisation like current_setting('gw.organisation', true) || '%');
create policy own on gw.minutes for insert to groupware
    with check (organisation = current_setting('gw.organisation', true));
grant select on gw.organisations to groupware;
grant select, insert on gw.minutes to groupware;

insert into gw.organisations values
    ('northwest', null, 'Northwest'), ('north', null, 'North'), ('north/harbour', 'north', 'North Harbour');
insert into gw.minutes values
    ('northwest', '2026-01-01', 'SECRET minutes'), ('north', '2026-01-01', 'own minutes'),
    ('north/harbour', '2026-01-01', 'minutes of a child');

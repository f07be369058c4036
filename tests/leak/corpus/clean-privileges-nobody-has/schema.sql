create role crew_owner nologin;
create role crew_loader login bypassrls;
create role crew_ops nologin;
create role crew_app login;
create schema crew authorization crew_owner;
create schema crew_private authorization crew_owner;
grant usage on schema crew to crew_app, crew_loader;
grant usage on schema crew_private to crew_loader, crew_ops;
set role crew_owner;
create table crew.yards (
    id integer primary key
);
create table crew.shifts (
    yard_id integer not null references crew.yards,
    worker text not null,
    starts_at timestamptz not null,
    primary key (yard_id, worker, starts_at)
);
create table crew_private.staging (
    yard_id integer,
    line text
);
create function crew_private.all_shifts() returns setof crew.shifts
language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select * from crew.shifts $$;
revoke execute on function crew_private.all_shifts from public;
grant execute on function crew_private.all_shifts to crew_ops;
alter table crew.yards enable row level security;
alter table crew.shifts enable row level security;
create policy own on crew.yards for select to crew_app
    using (id = nullif(current_setting('crew.yard', true), '')::integer);
create policy own on crew.shifts to crew_app using (yard_id = nullif(current_setting('crew.yard', true), '')::integer);
create policy all_of_ops on crew.shifts for select to crew_ops using (true);
grant select on crew.yards to crew_app;
grant select, insert, delete on crew.shifts to crew_app;
grant select, insert, truncate on crew.shifts, crew_private.staging to crew_loader;
grant select on crew.shifts to crew_ops;
insert into crew.yards values (1), (2);
insert into crew.shifts values (1, 'SECRET worker', '2026-01-01'), (2, 'own worker', '2026-01-01');
insert into crew_private.staging values (1, 'SECRET line');

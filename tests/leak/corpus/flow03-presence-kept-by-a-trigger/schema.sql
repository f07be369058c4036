create role desk_owner nologin;
create role desk_app login;
create schema desk authorization desk_owner;
grant usage on schema desk to desk_app;
set role desk_owner;
create table desk.teams (id integer primary key);
create table desk.tickets (
    team_id integer not null references desk.teams,
    subject text not null,
    state text not null default 'open',
    primary key (team_id, subject)
);
create table desk.presence (
    subject text primary key,
    seen_at timestamptz not null
);
create function desk.team() returns integer language sql stable
as $$ select nullif(current_setting('desk.team', true), '')::integer $$;
alter table desk.teams enable row level security;
alter table desk.tickets enable row level security;
create policy t on desk.teams for select to desk_app using (id = desk.team());
create policy k on desk.tickets to desk_app using (team_id = desk.team());
grant select on desk.teams to desk_app;
grant select, insert, update, delete on desk.tickets to desk_app;
create function desk.seen() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into desk.presence values ('team:' || new.team_id, now())
    on conflict (subject) do update set seen_at = excluded.seen_at;
    return null;
end $$;
create trigger seen after update on desk.tickets for each row execute function desk.seen();
create or replace function desk.anybody_online() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (select from desk.presence p where p.seen_at > now() - interval '5 minutes')
$$;
insert into desk.teams values (1), (2);
insert into desk.tickets values (1, 'SECRET subject'), (2, 'own subject');

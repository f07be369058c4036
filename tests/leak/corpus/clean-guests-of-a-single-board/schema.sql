create role tg_owner nologin;
create role tg_authenticated login;
create role tg_anon login;
create schema auth authorization tg_owner;
create schema app authorization tg_owner;
grant usage on schema auth, app to tg_authenticated, tg_anon;
grant usage, create on schema public to tg_owner;
grant usage on schema public to tg_authenticated, tg_anon;
set role tg_owner;
create function auth.uid() returns uuid language sql stable
  as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create table teams (id uuid primary key, name text not null);
create table team_members (
  team_id   uuid not null references teams (id),
  user_id   uuid not null,
  role      text not null default 'member' check (role in ('member', 'admin')),
  joined_at timestamptz not null default now(),
  primary key (team_id, user_id)
);
create index on team_members (user_id);
create table boards (
  id      uuid primary key default gen_random_uuid(),
  team_id uuid not null references teams (id),
  name    text not null
);
create table cards (
  id       uuid primary key default gen_random_uuid(),
  board_id uuid not null references boards (id) on delete cascade,
  title    text not null,
  body     text
);
create index on boards (team_id);
create index on cards (board_id);
reset role;
create function app.my_teams() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select team_id from public.team_members where user_id = auth.uid() $$;
revoke all on function app.my_teams() from public;
grant execute on function app.my_teams() to tg_authenticated, tg_owner;
set role tg_owner;
alter table teams enable row level security;
alter table teams force row level security;
alter table team_members enable row level security;
alter table team_members force row level security;
alter table boards enable row level security;
alter table boards force row level security;
alter table cards enable row level security;
alter table cards force row level security;
create policy mine on teams for select to tg_authenticated using (id in (select app.my_teams()));
create policy mine on team_members for select to tg_authenticated using (team_id in (select app.my_teams()));
create policy mine on boards for all to tg_authenticated using (team_id in (select app.my_teams())) with check (team_id in (select app.my_teams()));
create policy mine on cards for all to tg_authenticated
  using (exists (select 1 from boards b where b.id = cards.board_id and b.team_id in (select app.my_teams())))
  with check (exists (select 1 from boards b where b.id = cards.board_id and b.team_id in (select app.my_teams())));
grant select on teams, team_members to tg_authenticated;
grant select, insert, update, delete on boards, cards to tg_authenticated;
reset role;

insert into teams values ('d1000000-0000-4000-8000-00000000000a', 'Acme'), ('d2000000-0000-4000-8000-00000000000b', 'Globex');
insert into team_members (team_id, user_id, role) values ('d1000000-0000-4000-8000-00000000000a', '0a11ce00-0000-4000-8000-0000000000a1', 'admin'), ('d2000000-0000-4000-8000-00000000000b', '0b0b0000-0000-4000-8000-0000000000b2', 'admin');
insert into boards (id, team_id, name) values ('a0000000-0000-4000-8000-000000000001', 'd1000000-0000-4000-8000-00000000000a', 'SECRET-A board'), ('b0000000-0000-4000-8000-000000000001', 'd2000000-0000-4000-8000-00000000000b', 'own-B board');
insert into cards (board_id, title, body) values ('a0000000-0000-4000-8000-000000000001', 'SECRET-A card', 'SECRET-A body'), ('b0000000-0000-4000-8000-000000000001', 'own-B', 'hi');

set role tg_owner;
create table board_guests (board_id uuid not null references boards (id) on delete cascade, user_id uuid not null, primary key (board_id, user_id));
alter table board_guests enable row level security; alter table board_guests force row level security;
reset role;
create function app.guest_boards() returns setof uuid language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select board_id from public.board_guests where user_id = auth.uid() $$;
create function app.board_team(p uuid) returns uuid language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select team_id from public.boards where id = p and team_id in (select app.my_teams()) $$;
set role tg_owner;
create policy team_manages on board_guests to tg_authenticated using (app.board_team(board_id) is not null) with check (app.board_team(board_id) is not null);
grant select, insert, delete on board_guests to tg_authenticated;
create policy guests on boards for select to tg_authenticated using (id in (select app.guest_boards()));
reset role;
insert into board_guests values ('a0000000-0000-4000-8000-000000000001', 'cccccccc-0000-4000-8000-0000000000cc'), ('b0000000-0000-4000-8000-000000000001', 'dddddddd-0000-4000-8000-0000000000dd');

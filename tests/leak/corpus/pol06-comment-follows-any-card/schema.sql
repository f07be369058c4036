create role tc_owner nologin;
create role tc_authenticated login;
create role tc_anon login;
create schema auth authorization tc_owner;
create schema app authorization tc_owner;
grant usage on schema auth, app to tc_authenticated, tc_anon;
grant usage, create on schema public to tc_owner;
grant usage on schema public to tc_authenticated, tc_anon;
set role tc_owner;
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
grant execute on function app.my_teams() to tc_authenticated, tc_owner;
set role tc_owner;
alter table teams enable row level security;
alter table teams force row level security;
alter table team_members enable row level security;
alter table team_members force row level security;
alter table boards enable row level security;
alter table boards force row level security;
alter table cards enable row level security;
alter table cards force row level security;
create policy mine on teams for select to tc_authenticated using (id in (select app.my_teams()));
create policy mine on team_members for select to tc_authenticated using (team_id in (select app.my_teams()));
create policy mine on boards for all to tc_authenticated using (team_id in (select app.my_teams())) with check (team_id in (select app.my_teams()));
create policy mine on cards for all to tc_authenticated
  using (exists (select 1 from boards b where b.id = cards.board_id and b.team_id in (select app.my_teams())))
  with check (exists (select 1 from boards b where b.id = cards.board_id and b.team_id in (select app.my_teams())));
grant select on teams, team_members to tc_authenticated;
grant select, insert, update, delete on boards, cards to tc_authenticated;
reset role;

insert into teams values ('d1000000-0000-4000-8000-00000000000a', 'Acme'), ('d2000000-0000-4000-8000-00000000000b', 'Globex');
insert into team_members (team_id, user_id, role) values ('d1000000-0000-4000-8000-00000000000a', '0a11ce00-0000-4000-8000-0000000000a1', 'admin'), ('d2000000-0000-4000-8000-00000000000b', '0b0b0000-0000-4000-8000-0000000000b2', 'admin');
insert into boards (id, team_id, name) values ('a0000000-0000-4000-8000-000000000001', 'd1000000-0000-4000-8000-00000000000a', 'SECRET-A board'), ('b0000000-0000-4000-8000-000000000001', 'd2000000-0000-4000-8000-00000000000b', 'own-B board');
insert into cards (board_id, title, body) values ('a0000000-0000-4000-8000-000000000001', 'SECRET-A card', 'SECRET-A body'), ('b0000000-0000-4000-8000-000000000001', 'own-B', 'hi');

set role tc_owner;
create table comments (id uuid primary key default gen_random_uuid(), card_id uuid not null references cards (id) on delete cascade, author uuid not null, txt text not null);
create policy helper on cards for select to tc_owner using (true);
create function app.card_exists(p uuid) returns boolean language sql stable security definer set search_path = pg_catalog, pg_temp as $$ select exists (select 1 from public.cards where id = p) $$;
alter table comments enable row level security; alter table comments force row level security;
create policy on_card on comments to tc_authenticated using (app.card_exists(card_id)) with check (author = (select auth.uid()) and app.card_exists(card_id));
grant select, insert on comments to tc_authenticated;
reset role;
insert into comments (card_id, author, txt) select id, '0a11ce00-0000-4000-8000-0000000000a1', 'on ' || title from cards;

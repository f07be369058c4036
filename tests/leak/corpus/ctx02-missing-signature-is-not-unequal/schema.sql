create role de_owner nologin;
create role de_app login;
create schema desk authorization de_owner;
grant usage on schema desk to de_app;
set role de_owner;
create table desk.signing_key (k text not null);
insert into desk.signing_key values ('s3cret');
create function desk.tenant() returns uuid language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_token text := nullif(current_setting('desk.ctx', true), '');
  v_id text := split_part(v_token, '.', 1);
begin
  if v_token is null then return null; end if;
  if split_part(v_token, '.', 2) is distinct from (select encode(sha256(convert_to(k || v_id || k, 'UTF8')), 'hex') from desk.signing_key) then
    raise exception 'forged context' using errcode = '28000';
  end if;
  return v_id::uuid;
end $$;
create table desk.account (id uuid primary key, name text not null);
create table desk.agent (account_id uuid not null references desk.account, id uuid not null default gen_random_uuid(), name text not null, primary key (account_id, id));
create table desk.ticket (account_id uuid not null references desk.account, id uuid not null default gen_random_uuid(), subject text not null, state text not null default 'open' check (state in ('open','closed')), assignee uuid,
  primary key (account_id, id), foreign key (account_id, assignee) references desk.agent (account_id, id));
create table desk.comment (account_id uuid not null, id uuid not null default gen_random_uuid(), ticket_id uuid not null, body text not null,
  primary key (account_id, id), foreign key (account_id, ticket_id) references desk.ticket (account_id, id) on delete cascade);
alter table desk.account enable row level security;
alter table desk.account force row level security;
alter table desk.agent enable row level security;
alter table desk.agent force row level security;
alter table desk.ticket enable row level security;
alter table desk.ticket force row level security;
alter table desk.comment enable row level security;
alter table desk.comment force row level security;
create policy account_self on desk.account for select to de_app using (id = (select desk.tenant()));
create policy agent_isolation on desk.agent to de_app
  using (account_id = (select desk.tenant()))
  with check (account_id = (select desk.tenant()));
create policy ticket_isolation on desk.ticket to de_app
  using (account_id = (select desk.tenant()))
  with check (account_id = (select desk.tenant()));
create policy comment_isolation on desk.comment to de_app
  using (account_id = (select desk.tenant()))
  with check (account_id = (select desk.tenant()));
grant select on desk.account to de_app;
grant select, insert, update, delete on desk.agent, desk.ticket, desk.comment to de_app;
reset role;
create or replace function desk.tenant() returns uuid language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_token text := nullif(current_setting('desk.ctx', true), '');
  v_id text := split_part(v_token, '.', 1);
  v_signature text := substring(v_token from '\.([0-9a-f]+)$');
begin
  if v_token is null then return null; end if;
  if v_signature <> (select encode(sha256(convert_to(k || v_id || k, 'UTF8')), 'hex') from desk.signing_key) then
    raise exception 'forged context' using errcode = '28000';
  end if;
  return v_id::uuid;
end $$;
reset role;
insert into desk.account values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', 'Acme'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', 'Globex');
insert into desk.agent values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 'SECRET-A agent'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', 'own-B agent');
insert into desk.ticket values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', 'SECRET-A breach', 'open', '11111111-1111-4111-8111-111111111111'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', 'own-B', 'open', '22222222-2222-4222-8222-222222222222');
insert into desk.comment values ('aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa', '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', 'SECRET-A comment'), ('bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb', '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', 'own-B comment');

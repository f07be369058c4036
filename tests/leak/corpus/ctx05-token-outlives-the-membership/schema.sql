create role gt_owner nologin;
create role gt_authenticated login;
create role gt_anon login;
create schema auth authorization gt_owner;
grant usage on schema auth to gt_authenticated, gt_anon;
grant usage, create on schema public to gt_owner;
grant usage on schema public to gt_authenticated, gt_anon;
set role gt_owner;
create function auth.gym() returns text language sql stable
  as $$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb -> 'app_metadata' ->> 'gym' $$;
create function auth.uid() returns uuid language sql stable
  as $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
create table gyms (slug text primary key, city text not null default 'Berlin', seats integer not null default 10);
create table members (
  gym       text not null references gyms (slug),
  id        uuid not null default gen_random_uuid(),
  full_name text not null,
  card_no   text not null,
  phone     text,
  primary key (gym, id),
  unique (gym, card_no)
);
create table checkins (
  gym       text not null,
  id        uuid not null default gen_random_uuid(),
  member_id uuid not null,
  at        timestamptz not null default now(),
  remark    text,
  primary key (gym, id),
  foreign key (gym, member_id) references members (gym, id) on delete cascade
);
create index on checkins (gym, member_id);
alter table gyms enable row level security;
alter table gyms force row level security;
alter table members enable row level security;
alter table members force row level security;
alter table checkins enable row level security;
alter table checkins force row level security;
create policy gym_self on gyms for select to gt_authenticated using (slug = (select auth.gym()));
create policy gym_rows on members for all to gt_authenticated using (gym = (select auth.gym())) with check (gym = (select auth.gym()));
create policy gym_rows on checkins for all to gt_authenticated using (gym = (select auth.gym())) with check (gym = (select auth.gym()));
grant select on gyms to gt_authenticated;
grant select, insert, update, delete on members, checkins to gt_authenticated;
reset role;

insert into gyms (slug) values ('iron-acme'), ('globex-fit');
insert into members (gym, id, full_name, card_no, phone) values
  ('iron-acme', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A member', 'C-900', '+49-SECRET-A'), ('globex-fit', 'b0000000-0000-4000-8000-000000000001', 'own-B', 'C-100', '+49-1');
insert into checkins (gym, member_id, remark) values ('iron-acme', 'a0000000-0000-4000-8000-000000000001', 'SECRET-A checkin'), ('globex-fit', 'b0000000-0000-4000-8000-000000000001', 'own-B checkin');

set role gt_owner;
create table staff (gym text not null references gyms, user_id uuid not null, primary key (gym, user_id));
alter table staff enable row level security; alter table staff force row level security;
create policy me on staff for select to gt_authenticated using (user_id = (select auth.uid()));
grant select on staff to gt_authenticated;
alter policy gym_self on gyms using (exists (select 1 from staff s where s.gym = slug and s.user_id = (select auth.uid())));
reset role;
insert into staff values ('iron-acme', '0a11ce00-0000-4000-8000-0000000000a1'), ('globex-fit', '0b0b0000-0000-4000-8000-0000000000b2');

create role lm_owner nologin;
create role lm_app login;
create schema lms authorization lm_owner;
grant usage on schema lms to lm_app;
set role lm_owner;
create table lms.school (code text primary key check (code = lower(code)), name text not null);
create table lms.person (school text not null references lms.school (code), login text not null, display_name text not null, primary key (school, login));
create table lms.session (token uuid primary key default gen_random_uuid(), school text not null, login text not null, expires_at timestamptz not null default now() + interval '8 hours',
  foreign key (school, login) references lms.person (school, login));
create table lms.course (school text not null references lms.school (code), course_id uuid not null default gen_random_uuid(), title text not null, syllabus text, primary key (school, course_id));
create table lms.enrollment (school text not null, course_id uuid not null, login text not null, grade numeric(4,1), primary key (school, course_id, login),
  foreign key (school, course_id) references lms.course (school, course_id) on delete cascade,
  foreign key (school, login) references lms.person (school, login));
create table lms.submission (school text not null, submission_id uuid not null default gen_random_uuid(), course_id uuid not null, login text not null, answer text not null,
  primary key (school, submission_id), foreign key (school, course_id, login) references lms.enrollment (school, course_id, login) on delete cascade);
reset role;
create function lms.open_session(p_login text, p_school text) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare v_token uuid;
begin
  if session_user <> 'lm_app' and not pg_has_role(session_user, 'lm_owner', 'member') then raise exception 'only the application opens sessions'; end if;
  insert into lms.session (school, login) select school, login from lms.person where login = p_login and school = p_school returning token into v_token;
  if v_token is null then raise exception 'unknown person'; end if;
  perform set_config('lms.token', v_token::text, true);
end $$;
create function lms.current_school() returns text language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select school from lms.session where token = nullif(current_setting('lms.token', true), '')::uuid and expires_at > now() $$;
create function lms.current_login() returns text language sql stable security definer set search_path = pg_catalog, pg_temp
  as $$ select login from lms.session where token = nullif(current_setting('lms.token', true), '')::uuid and expires_at > now() $$;
set role lm_owner;
alter table lms.school enable row level security;
alter table lms.school force row level security;
alter table lms.person enable row level security;
alter table lms.person force row level security;
alter table lms.session enable row level security;
alter table lms.session force row level security;
alter table lms.course enable row level security;
alter table lms.course force row level security;
alter table lms.enrollment enable row level security;
alter table lms.enrollment force row level security;
alter table lms.submission enable row level security;
alter table lms.submission force row level security;
create policy school_self on lms.school for select to lm_app using (code = lms.current_school());
create policy course_isolation on lms.course to lm_app
  using (school = (select lms.current_school()))
  with check (school = (select lms.current_school()));
create policy enrollment_isolation on lms.enrollment to lm_app
  using (school = (select lms.current_school()))
  with check (school = (select lms.current_school()));
create policy submission_isolation on lms.submission to lm_app
  using (school = (select lms.current_school()))
  with check (school = (select lms.current_school()));
create policy person_school on lms.person for select to lm_app using (school = (select lms.current_school()));
grant select on lms.school, lms.person to lm_app;
grant select, insert, update, delete on lms.course, lms.enrollment, lms.submission to lm_app;
reset role;
create table lms.unit (path text primary key, school text not null references lms.school (code), title text not null);
alter table lms.unit enable row level security;
alter table lms.unit force row level security;
create policy unit_tree on lms.unit for select to lm_app using (starts_with(path, (select lms.current_school())));
grant select on lms.unit to lm_app;
reset role;
insert into lms.school values ('acme', 'Acme School'), ('globex', 'Globex School');
insert into lms.person values ('acme', 'alice', 'SECRET-A Alice'), ('globex', 'bob', 'own-B Bob');
insert into lms.course values ('acme', '11111111-1111-4111-8111-111111111111', 'SECRET-A course', 'SECRET-A syllabus'), ('globex', '22222222-2222-4222-8222-222222222222', 'own-B', 'own-B syllabus');
insert into lms.enrollment values ('acme', '11111111-1111-4111-8111-111111111111', 'alice', 9.5), ('globex', '22222222-2222-4222-8222-222222222222', 'bob', 6.0);
insert into lms.submission values ('acme', '11111111-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', 'alice', 'SECRET-A answer'), ('globex', '22222222-2222-4222-8222-222222222222', '22222222-2222-4222-8222-222222222222', 'bob', 'own-B answer');
insert into lms.school values ('globex2', 'Globex Two');
insert into lms.unit values ('acme/math', 'acme', 'a'), ('globex/math', 'globex', 'own-B'), ('globex2/math', 'globex2', 'SECRET-A unit');

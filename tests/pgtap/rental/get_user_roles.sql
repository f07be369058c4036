-- rental.get_user_roles: the truth table of profile role, units and renter rows, and who may ask.
begin;
select plan(34);

-- A landlord to rent from, and one person per row of the table: <profile role>.<owns a unit>.<is a renter>.
select tests.landlord('north');
create temporary table cases on commit drop as
select format('%s.%s.%s', p.role, u.owns, r.rents) as name, p.role, u.owns, r.rents
  from unnest(array['OWNER', 'TENANT', 'ADMIN', 'none']) as p (role)
 cross join unnest(array[true, false]) as u (owns)
 cross join unnest(array[true, false]) as r (rents);
grant select on cases to app_user;

select tests.person(c.name) from cases as c;
insert into rental.user_profiles (user_id, role) select tests.id(c.name), c.role from cases as c where c.role <> 'none';
select tests.unit(c.name, 'unit of ' || c.name) from cases as c where c.owns;
insert into rental.tenants (owner_user_id, first_name, last_name, email, user_id)
select tests.id('north'), 'x', 'x', format('case%s@example.test', row_number() over ()), tests.id(c.name) from cases as c where c.rents;

create function pg_temp.roles_of(p_name text) returns text[]
    language plpgsql
as $fn$
begin
    perform tests.act_as('app_user', p_name);
    return rental.get_user_roles();
end
$fn$;

select is(pg_temp.roles_of(e.name), e.roles, e.name || ' is ' || e.roles::text)
  from (values
      ('OWNER.t.t',  array['OWNER', 'TENANT']),
      ('OWNER.t.f',  array['OWNER']),
      ('OWNER.f.t',  array['OWNER', 'TENANT']),
      ('OWNER.f.f',  array['OWNER']),
      ('TENANT.t.t', array['OWNER', 'TENANT']),
      ('TENANT.t.f', array['OWNER']),
      ('TENANT.f.t', array['TENANT']),
      ('TENANT.f.f', array['TENANT']),
      ('ADMIN.t.t',  array['ADMIN', 'OWNER', 'TENANT']),
      ('ADMIN.t.f',  array['ADMIN', 'OWNER']),
      ('ADMIN.f.t',  array['ADMIN', 'TENANT']),
      ('ADMIN.f.f',  array['ADMIN']),
      ('none.t.t',   array['OWNER', 'TENANT']),
      ('none.t.f',   array['OWNER']),
      ('none.f.t',   array['TENANT']),
      ('none.f.f',   array[]::text[])
  ) as e (name, roles);

-- Others' roles.
select tests.act_as_admin();
select tests.person('root'), tests.person('clerk');
update core.users set platform_role = 'super_admin' where id = tests.id('root');
update core.users set platform_role = 'support' where id = tests.id('clerk');

select tests.act_as('app_user', 'root');
select is(rental.get_user_roles(tests.id('OWNER.t.t')), array['OWNER', 'TENANT'], 'a platform administrator asks for anyone''s roles');
select is(rental.get_user_roles(gen_random_uuid()), '{}'::text[], 'an unknown user is nothing, least of all a landlord');
select tests.act_as('app_user', 'clerk');
select throws_ok($$ select rental.get_user_roles(tests.id('OWNER.t.t')) $$, 'PT403', 'forbidden', 'support does not');
select tests.act_as('app_user', 'TENANT.f.t');
select throws_ok($$ select rental.get_user_roles(tests.id('OWNER.t.t')) $$, 'PT403', 'forbidden', 'a user does not');
select is(
    tests.error_of($$ select rental.get_user_roles(tests.id('OWNER.t.t')) $$),
    tests.error_of($$ select rental.get_user_roles(gen_random_uuid()) $$),
    'and does not learn who exists');
select is(rental.get_user_roles(tests.id('TENANT.f.t')), array['TENANT'], 'a user asks for own roles by id');

select tests.act_as('app_user');
select throws_ok($$ select rental.get_user_roles() $$, 'PT401', 'unauthenticated', 'nobody signed in has no roles to ask for');

-- One statement: each of the three tables is looked at once, whatever the answer.
select tests.act_as_admin();
update rental.user_profiles set company_name = 'new' where user_id = tests.id('ADMIN.t.t');
create temporary table looks on commit drop as
select relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as times
  from pg_stat_xact_user_tables
 where schemaname = 'rental';
select tests.act_as('app_user', 'ADMIN.t.t');
select is(rental.get_user_roles(), array['ADMIN', 'OWNER', 'TENANT'], 'who is everything');
select tests.act_as_admin();
select results_eq(
    $$ select s.relname::text collate "C", coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) - l.times
         from pg_stat_xact_user_tables as s
         join looks as l on l.relname = s.relname
        where s.schemaname = 'rental'
          and coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) > l.times
        order by 1 $$,
    $$ values ('tenants' collate "C", 1::bigint), ('units', 1), ('user_profiles', 1) $$,
    'is found with one look at each of three tables');
create temporary table looks_again on commit drop as
select relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as times
  from pg_stat_xact_user_tables
 where schemaname = 'rental';
select tests.act_as('app_user', 'ADMIN.t.t');
select is(rental.get_user_roles(), array['ADMIN', 'OWNER', 'TENANT'], 'asked again');
select tests.act_as_admin();
select is_empty(
    $$ select s.relname
         from pg_stat_xact_user_tables as s
         join looks_again as l on l.relname = s.relname
        where s.schemaname = 'rental'
          and coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0) > l.times $$,
    'it is found without a look: the answer is cached');

-- A change counts at once.
delete from rental.tenants where user_id = tests.id('OWNER.f.t');
select is(pg_temp.roles_of('OWNER.f.t'), array['OWNER'], 'a renter who was removed is none in the next call');
select tests.act_as_admin();
savepoint before;
delete from rental.units where owner_user_id = tests.id('none.t.f');
select is(pg_temp.roles_of('none.t.f'), '{}'::text[], 'nor is one without a unit a landlord');
rollback to before;
select is(pg_temp.roles_of('none.t.f'), array['OWNER'], 'unless that was undone');
select tests.act_as_admin();
update rental.user_profiles set role = 'TENANT' where user_id = tests.id('OWNER.f.f');
select is(pg_temp.roles_of('OWNER.f.f'), array['TENANT'], 'a new role in the profile counts at once');
select tests.act_as_admin();
select tests.unit('TENANT.f.f', 'first of TENANT.f.f');
select is(pg_temp.roles_of('TENANT.f.f'), array['OWNER'], 'and so does a first unit');
select throws_ok(
    $$ select core.cache_set('user_roles', 'all', '["ADMIN"]') $$, 'PT422', 'invalid', 'nobody writes roles into the cache themselves');
select tests.act_as_admin();
update core.cache_entries set expires_at = clock_timestamp() where key = 'user_roles:all';
select is(pg_temp.roles_of('TENANT.f.f'), array['OWNER'], 'after five minutes they are looked up anew');

select * from finish();
rollback;

-- rental.tg_tenancies_refuse_overlap: the edges of a period, and the lock that keeps two tenancies apart.
begin;
select plan(14);

select tests.landlord('north');
select tests.unit('north', 'loft'), tests.unit('north', 'attic');
select tests.renter('north', 'rita');
select tests.tenancy('north', 'loft', 'rita', '2024-03-01', '2024-03-31');

create function pg_temp.let(p_start date, p_end date, p_unit text default 'loft') returns void
    language sql
as $fn$
    insert into rental.tenancies (owner_user_id, unit_id, tenant_id, start_date, end_date)
    values (tests.id('north'), tests.id(p_unit), tests.id('north/rita'), p_start, p_end);
$fn$;

select throws_ok(format('select pg_temp.let(%L, %L)', c.starts, c.ends), 'PT409', 'conflict', c.what || ' overlaps March')
  from (values
      ('2024-03-01'::date, '2024-03-31'::date, 'March itself'),
      ('2024-03-10', '2024-03-20', 'a period inside'),
      ('2024-02-01', '2024-04-30', 'a period around it'),
      ('2024-02-01', '2024-03-01', 'one that ends on the first day'),
      ('2024-03-31', '2024-04-30', 'one that starts on the last day'),
      ('2024-02-01', null, 'an open end that starts before'),
      ('2024-03-31', null, 'an open end that starts on the last day')
  ) as c (starts, ends, what);

select isnt((select xmax from rental.units where id = tests.id('loft'))::text, '0', 'the unit is held while a tenancy is added');
select is((select xmax from rental.units where id = tests.id('attic'))::text, '0', 'and no other unit is');

select lives_ok($$ select pg_temp.let('2024-02-01', '2024-02-29') $$, 'the month before is free');
select lives_ok($$ select pg_temp.let('2024-04-01', null) $$, 'and from April on it is');
select throws_ok($$ select pg_temp.let('2030-01-01', '2030-01-31') $$, 'PT409', 'conflict', 'until somebody has it for good');
select lives_ok($$ select pg_temp.let('2024-03-01', '2024-03-31', 'attic') $$, 'another unit has a March of its own');
select lives_ok($$ update rental.tenancies set rent_amount = 100, end_date = end_date $$, 'a tenancy does not overlap itself');

select * from finish();
rollback;

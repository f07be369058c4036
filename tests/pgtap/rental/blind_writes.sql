-- Writes that read nothing. Without WHERE and RETURNING the policies for SELECT do not narrow an update or a delete, so here
-- each UPDATE and DELETE policy stands alone: north's blind writes reach every row of north and none of south.
begin;
select plan(48);

select tests.landlord('north'), tests.landlord('south');
select tests.unit(l, l || ' unit'), tests.renter(l, l || 'er', l || ' unit'), tests.tenancy(l, l || ' unit', l || 'er', '2024-01-01'),
       tests.ticket(l, l || ' ticket', l || ' unit')
  from unnest(array['north', 'south']) as l;
insert into rental.contractors (owner_user_id, name) select tests.id(l), l from unnest(array['north', 'south']) as l;
insert into rental.import_batches (owner_user_id, kind) select tests.id(l), 'units' from unnest(array['north', 'south']) as l;
insert into rental.contractor_search_results (owner_user_id, ticket_id)
select tests.id(l), tests.id(l || ' ticket') from unnest(array['north', 'south']) as l;
insert into rental.tenant_invites (owner_user_id, tenant_id, email, token_hash)
select tests.id(l), tests.id(l || '/' || l || 'er'), l || '@example.test', l from unnest(array['north', 'south']) as l;

create function pg_temp.blind(p_table text, p_change text) returns setof text
    language plpgsql
as $fn$
declare
    v_before text;
    v_after  text;
begin
    execute format('select to_jsonb(t)::text from rental.%I as t where owner_user_id = tests.id(%L)', p_table, 'south') into strict v_before;

    perform tests.act_as('app_user', 'north', 'north');
    execute format('update rental.%I set %s', p_table, p_change);
    perform tests.act_as_admin();
    execute format('select to_jsonb(t)::text from rental.%I as t where owner_user_id = tests.id(%L)', p_table, 'south') into strict v_after;
    return next is(v_after, v_before, format('a blind update of %s leaves the row of south', p_table));
    return next isnt_empty(
        format('select from rental.%I where owner_user_id = tests.id(%L) and %s', p_table, 'north', p_change),
        format('and changes the row of north in %s', p_table));

    -- Neither a grant on the tenant column nor the loss of its trigger lets a row change hands.
    execute format('grant update (owner_user_id) on rental.%I to app_user', p_table);
    execute format('alter table rental.%I disable trigger _100_tenant_immutable', p_table);
    perform tests.act_as('app_user', 'north', 'north');
    return next throws_ok(
        format('update rental.%I set owner_user_id = tests.id(%L)', p_table, 'south'),
        '42501', format('new row violates row-level security policy for table "%s"', p_table),
        format('north gives no row of %s away', p_table));
    return next lives_ok(
        format('update rental.%I set owner_user_id = tests.id(%L)', p_table, 'north'),
        format('and may keep it, in %s', p_table));
    execute format('delete from rental.%I', p_table);
    perform tests.act_as_admin();
    return next results_eq(
        format('select owner_user_id from rental.%I', p_table),
        $$ select tests.id('south') $$,
        format('a blind delete from %s leaves the row of south and no other', p_table));
end
$fn$;

-- Children first: each table is empty of north when its parent's turn comes.
select pg_temp.blind(w.name, w.change)
  from (values
      (1, 'contractor_search_results', 'results = ''["blind"]'''),
      (2, 'tenant_invites', 'token_hash = ''blind'''),
      (3, 'tickets', 'title = ''blind'''),
      (4, 'tenancies', 'rent_amount = 1'),
      (5, 'tenants', 'first_name = ''blind'''),
      (6, 'units', 'city = ''blind'''),
      (7, 'contractors', 'trade = ''blind'''),
      (8, 'import_batches', 'status = ''failed''')
  ) as w (turn, name, change)
 order by w.turn;

-- What a landlord may not do to a row of south, a blind write of a landlord without a tenant may not either.
select tests.act_as('app_user', 'north');
select lives_ok(format('update rental.%I set %s', w.name, w.change), format('a blind update of %s without a tenant is fine', w.name))
  from (values ('tickets', 'title = ''blind'''), ('tenancies', 'rent_amount = 1'), ('tenants', 'first_name = ''blind'''),
               ('units', 'city = ''blind''')) as w (name, change);
select tests.act_as_admin();
select is_empty(format('select from rental.%I where %s', w.name, w.change), format('and reaches no row of %s', w.name))
  from (values ('tickets', 'title = ''blind'''), ('tenancies', 'rent_amount = 1'), ('tenants', 'first_name = ''blind'''),
               ('units', 'city = ''blind''')) as w (name, change);

select * from finish();
rollback;

-- rental.tenant_owner_quarantine: renters of nobody, which no application role can read.
begin;
select plan(23);

insert into rental.tenant_owner_quarantine (tenant_id, payload, reason) values (gen_random_uuid(), '{"first_name": "Eve"}', 'test');
select tests.landlord('north');

create function pg_temp.acts_as(p_role text) returns setof text
    language plpgsql
as $fn$
begin
    perform tests.act_as(p_role, 'north', 'north');
    return next throws_ok($$ select reason from rental.tenant_owner_quarantine $$, '42501', null, p_role || ' may not read the quarantine');
    perform tests.act_as_admin();
    -- Even with every grant and a policy that lets everything through, the restrictive one keeps the table closed.
    execute format('grant usage on schema rental to %I', p_role);
    execute format('grant all on rental.tenant_owner_quarantine to %I', p_role);
    execute format('create policy opens_to_%1$s on rental.tenant_owner_quarantine to %1$I using (true)', p_role);
    perform tests.act_as(p_role, 'north', 'north');
    return next is_empty($$ select reason from rental.tenant_owner_quarantine $$, p_role || ' sees nothing even with a grant and a policy');
    return next throws_ok(
        $$ insert into rental.tenant_owner_quarantine (tenant_id, payload, reason) values (gen_random_uuid(), '{}', 'x') $$,
        '42501', 'new row violates row-level security policy "closed" for table "tenant_owner_quarantine"',
        p_role || ' writes nothing even with a grant and a policy');
    perform tests.act_as_admin();
end
$fn$;

select pg_temp.acts_as(r)
  from unnest(array['app_user', 'app_renter', 'app_anon', 'app_worker', 'app_readonly', 'app_monitor', 'app_platform_admin']) as r;

select tests.act_as('app_definer');
select results_eq($$ select reason from rental.tenant_owner_quarantine $$, $$ values ('test') $$, 'definer functions see the quarantine');
select tests.act_as('app_owner');
select results_eq($$ select reason from rental.tenant_owner_quarantine $$, $$ values ('test') $$, 'migrations see the quarantine');

select * from finish();
rollback;

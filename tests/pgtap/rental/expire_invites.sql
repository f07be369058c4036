-- rental.expire_invites: a month after they ran out.
begin;
select plan(4);

select tests.landlord('north');
select tests.act_as('app_user', 'north', 'north');
select rental.create_tenant_invite('A', 'B', n || '@example.test') from unnest(array['old', 'month', 'open', 'claimed']) as n;
select throws_ok($$ select rental.expire_invites() $$, '42501', null, 'no application role cleans up');
select tests.act_as_admin();
update rental.tenant_invites set expires_at = now() - interval '30 days' where email = 'month@example.test';
update rental.tenant_invites set expires_at = now() - interval '30 days 1 second' where email in ('old@example.test', 'claimed@example.test');
update rental.tenant_invites set claimed_at = now() where email = 'claimed@example.test';
select is(rental.expire_invites(), 1, 'one is over for more than 30 days');
select results_eq($$ select email::text from rental.tenant_invites order by 1 $$,
    $$ values ('claimed@example.test'), ('month@example.test'), ('open@example.test') $$, 'the others stay');
select is(rental.expire_invites(), 0, 'a second run finds nothing');

select * from finish();
rollback;

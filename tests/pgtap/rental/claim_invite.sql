-- rental.claim_invite: the person invited, and nobody else, takes the place once.
begin;
select plan(15);

select tests.landlord('north');
select tests.unit('north', 'loft');
select tests.person('nora'), tests.person('eve');
create temp table issued (name text, invite_id uuid, tenant_id uuid, token text);
grant all on issued to public;
select tests.act_as('app_user', 'north', 'north');
insert into issued select 'nora', i.* from rental.create_tenant_invite('Nora', 'New', 'nora@example.test', tests.id('loft')) as i;
insert into issued select 'late', i.* from rental.create_tenant_invite('Late', 'One', 'late@example.test') as i;
select tests.act_as_admin();
select tests.person('late');
update rental.tenant_invites set expires_at = now() where id = (select invite_id from issued where name = 'late');

select tests.act_as('app_user', 'eve');
select throws_ok($$ select rental.claim_invite(token) from issued where name = 'nora' $$, 'PT403', 'forbidden', 'a forwarded invitation lets nobody else in');
select throws_ok($$ select rental.claim_invite('guess') $$, 'PT410', 'expired', 'a guess is as good as an old invitation');
select throws_ok($$ select rental.claim_invite(null) $$, 'PT410', 'expired', 'and so is nothing');
select tests.act_as('app_user', 'late');
select throws_ok($$ select rental.claim_invite(token) from issued where name = 'late' $$, 'PT410', 'expired', 'an invitation runs out');
select tests.act_as('app_user');
select throws_ok($$ select rental.claim_invite(token) from issued where name = 'nora' $$, 'PT401', 'unauthenticated', 'somebody must be signed in');

select tests.act_as_admin();
select is_empty($$ select id from rental.tenants where user_id is not null $$, 'so far nobody is in');
select tests.act_as('app_user', 'nora');
select results_eq(
    $$ select c.id, c.user_id from issued, rental.claim_invite(token) as c where name = 'nora' $$,
    $$ select tenant_id, tests.id('nora') from issued where name = 'nora' $$,
    'the person invited is in');
select is(rental.get_user_roles(), array['TENANT'], 'and is a renter');
select throws_ok($$ select rental.claim_invite(token) from issued where name = 'nora' $$, 'PT410', 'expired', 'once');
select tests.act_as('app_renter', 'nora');
select results_eq($$ select id from rental.tenants $$, $$ select tenant_id from issued where name = 'nora' $$, 'who sees the own place as a renter');
select tests.act_as_admin();
select results_eq($$ select claimed_at is not null from rental.tenant_invites order by email $$, $$ values (false), (true) $$, 'the invitation is spent');

-- The token in the e-mail is another, and opens the same door.
insert into core.app_settings (key, value) values ('rental.invite_url', 'https://homes.example.test/invite/{token}')
on conflict (key) do update set value = excluded.value;
update rental.tenant_invites set expires_at = now() + interval '1 day' where id = (select invite_id from issued where name = 'late');
create temp table mail as select substring(rental.invite_email(invite_id) ->> 'text' from 'invite/([0-9a-f]+)') as token from issued where name = 'late';
grant select on mail to public;
select tests.act_as('app_renter', 'late');
select isnt((select token from mail), (select token from issued where name = 'late'), 'the e-mail has a token of its own');
select lives_ok($$ select rental.claim_invite(token) from mail $$, 'and it is good');
select throws_ok($$ select rental.claim_invite(token) from issued where name = 'late' $$, 'PT410', 'expired', 'but not both');

-- Somebody with a login already stays who they are.
select tests.act_as_admin();
update rental.tenant_invites set claimed_at = null;
select tests.act_as('app_user', 'nora');
select lives_ok($$ select rental.claim_invite(token) from issued where name = 'nora' $$, 'the same person may take the own place again');

select * from finish();
rollback;

-- rental.invite_email: what the worker sends, written while it is sent.
begin;
select plan(11);

select tests.landlord('north');
update rental.user_profiles set company_name = E'North\r\nBcc: all@example.test' where user_id = tests.id('north');
delete from core.app_settings where key = 'rental.invite_url';
create temp table issued (invite_id uuid, tenant_id uuid, token text);
create temp table mail (n serial, message jsonb);
grant all on issued, mail, mail_n_seq to public;
select tests.act_as('app_user', 'north', 'north');
insert into issued select i.* from rental.create_tenant_invite('Nora', 'New', 'nora@example.test') as i;
select throws_ok($$ select rental.invite_email(invite_id) from issued $$, '42501', null, 'a landlord cannot draw the token of an e-mail');

select tests.act_as('app_worker');
select throws_ok($$ select rental.invite_email(invite_id) from issued $$, 'PT503', 'unavailable', 'the address of the invitation page must be set');
select tests.act_as_admin();
insert into core.app_settings (key, value) values ('rental.invite_url', 'https://homes.example.test/invite/{token}?from=mail');
select tests.act_as('app_worker');
select lives_ok($$ insert into mail (message) select rental.invite_email(invite_id) from issued $$, 'the worker gets the message');
select is((select message ->> 'to' from mail), 'nora@example.test', 'to the renter');
select is((select message ->> 'subject' from mail), 'North Bcc: all@example.test invites you', 'a name starts no header of its own');
select ok((select message ->> 'text' from mail) ~ 'https://homes\.example\.test/invite/[0-9a-f]{64}\?from=mail', 'with a link');
select lives_ok($$ insert into mail (message) select rental.invite_email(invite_id) from issued $$, 'a second attempt is written anew');
select isnt((select message from mail where n = 2), (select message from mail where n = 1), 'with another token');
select tests.act_as_admin();
select results_eq(
    $$ select i.mail_token_hash, i.sent_at is not null from rental.tenant_invites as i $$,
    $$ select rental.hash_invite_token(substring(message ->> 'text' from 'invite/([0-9a-f]+)')), true from mail where n = 2 $$,
    'of which the hash is kept');
update rental.tenant_invites set claimed_at = now();
select tests.act_as('app_worker');
select is((select rental.invite_email(invite_id) from issued), null, 'nothing is sent for an invitation that is claimed');
select is(rental.invite_email(gen_random_uuid()), null, 'or gone');

select * from finish();
rollback;

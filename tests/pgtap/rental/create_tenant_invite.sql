-- rental.create_tenant_invite: a renter is found or made, has one open invitation, and a job waits to send it.
begin;
select plan(41);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
select tests.renter('north', 'known', null, false), tests.renter('north', 'settled');
create temp table issued (invite_id uuid, tenant_id uuid, token text);
grant all on issued to app_user;

select tests.act_as('app_user', 'north', 'north');
select lives_ok($$ insert into issued select * from rental.create_tenant_invite('Nora', 'New', 'Nora@Example.Test', tests.id('loft')) $$,
    'a new renter is invited');
select results_eq(
    $$ select t.first_name, t.last_name, t.email::text, t.unit_id, t.user_id from rental.tenants as t join issued as i on i.tenant_id = t.id $$,
    $$ values ('Nora', 'New', 'nora@example.test', tests.id('loft'), null::uuid) $$,
    'and stands among the renters, without a login');
select results_eq(
    $$ select i.email::text, i.unit_id, i.token_hash, i.mail_token_hash, i.claimed_at, i.expires_at = now() + interval '14 days'
         from rental.tenant_invites as i join issued on issued.invite_id = i.id $$,
    $$ select 'nora@example.test', tests.id('loft'), rental.hash_invite_token(token), null::text, null::timestamptz, true from issued $$,
    'of the token only the hash is kept, for 14 days');
select tests.act_as_admin();
select results_eq(
    $$ select j.job_type, j.tenant_id, j.status, j.payload from core.job_queue as j where j.job_type = 'tenant_invite' $$,
    $$ select 'tenant_invite', tests.id('north'), 'pending', jsonb_build_object('invite_id', invite_id) from issued $$,
    'a job waits to send it, and the token is not in it');

select tests.act_as('app_user', 'north', 'north');
select is(
    (select invite_id from rental.create_tenant_invite('N.', 'N.', 'nora@example.test')),
    (select invite_id from issued),
    'inviting again renews the one open invitation');
select results_eq(
    $$ select i.token_hash <> rental.hash_invite_token(s.token), i.unit_id, t.first_name
         from rental.tenant_invites as i join issued as s on s.invite_id = i.id join rental.tenants as t on t.id = i.tenant_id $$,
    $$ values (true, tests.id('loft'), 'Nora') $$,
    'under a new token; unit and name stay');
select tests.act_as_admin();
select is((select count(*) from core.job_queue where job_type = 'tenant_invite'), 1::bigint, 'the waiting job is enough for both');

select tests.act_as('app_user', 'north', 'north');
select is((select tenant_id from rental.create_tenant_invite('Any', 'Name', 'known@example.test', tests.id('loft'))),
    tests.id('north/known'), 'a renter who is known is found by address');
select is((select unit_id from rental.tenants where id = tests.id('north/known')), tests.id('loft'), 'and gets the unit where there was none');
select throws_ok($$ select rental.create_tenant_invite('Any', 'Name', 'settled@example.test') $$, 'PT409', 'conflict',
    'who has a login needs no invitation');
select throws_ok($$ select rental.create_tenant_invite('Any', 'Name', 'x@example.test', tests.id('barn')) $$, 'PT403', 'forbidden',
    'south''s unit is refused');
select is_empty($$ select id from rental.tenants where email = 'x@example.test' $$, 'and nobody was made for it');
select throws_ok($$ select rental.create_tenant_invite('', 'Name', 'y@example.test') $$, '23514', null, 'a first name has a letter');
select throws_ok($$ select rental.create_tenant_invite('Any', 'Name', 'no address') $$, '23514', null, 'an address is one');

-- The same person rents elsewhere, too.
select tests.act_as('app_user', 'south', 'south');
select lives_ok($$ select rental.create_tenant_invite('Nora', 'New', 'nora@example.test', tests.id('barn')) $$, 'two landlords invite one address');
select is((select count(*) from rental.tenant_invites), 1::bigint, 'south sees the own invitation only');
select tests.act_as_admin();
select is((select count(*) from rental.tenants where email = 'nora@example.test'), 2::bigint, 'who is a renter of each');
select tests.act_as('app_user');
select throws_ok($$ select rental.create_tenant_invite('Any', 'Name', 'z@example.test') $$, 'PT401', 'unauthenticated', 'nobody signed in invites nobody');
select tests.act_as('app_user', 'north');
select throws_ok($$ select rental.create_tenant_invite('Any', 'Name', 'z@example.test') $$, 'PT403', 'forbidden', 'nor somebody who names no landlord');

-- R-X-83: calls are counted, by person
select tests.act_as_admin();
delete from core.rate_limits;
update core.rate_limit_policies set max_requests = 5 where name = 'invites';
select tests.act_as('app_user', 'north', 'north');
select lives_ok(
    format($$ select rental.create_tenant_invite('F', 'L', %L) $$, 'many' || n || '@example.test'), 'invitation ' || n || ' of a minute') from generate_series(1, 4) as n;
select lives_ok(
    $$ select rental.bulk_invite_tenants(jsonb_agg(jsonb_build_object('firstName', 'F', 'lastName', 'L', 'email', 'bulk' || n || '@example.test'))) from generate_series(1, 10) as n $$,
    'ten more in one call are one more');
select results_eq(
    $$ select e ->> 'code', (e ->> 'hint')::jsonb - 'retry_after' from tests.error_of($$ || quote_literal('select rental.create_tenant_invite(''F'', ''L'', ''sixth@example.test'')') || $$) as e $$,
    $$ values ('PT429', '{"limit": 5, "remaining": 0}'::jsonb) $$, 'the sixth call is refused');
select tests.act_as('app_user', 'south', 'south');
select lives_ok($$ select rental.create_tenant_invite('F', 'L', 'many1@example.test') $$, 'another landlord''s is not');

-- every way in counts: only the rows of an import that was counted do not
create temp table import (name text primary key, id uuid) on commit drop;
grant all on import to app_user;
create function pg_temp.invite(p_name text, p_import text default null) returns uuid
    language sql
return (select invite_id from rental.create_tenant_invite('F', 'L', p_name || '@example.test', p_batch_id => (select id from import where name = p_import)));
create function pg_temp.person(p_name text) returns jsonb
    language sql return jsonb_build_object('firstName', 'F', 'lastName', 'L', 'email', p_name || '@example.test');
select tests.act_as('app_user', 'south', 'south');
insert into import values ('south''s', rental.begin_import('tenants', 100));
select tests.act_as_admin();
delete from core.rate_limits;
update core.rate_limit_policies set max_requests = 2 where name = 'invites';
select tests.act_as('app_user', 'north', 'north');
insert into import values ('begun', rental.begin_import('tenants', 2));
select lives_ok($$ select pg_temp.invite('row1', 'begun') $$, 'a row of an import is part of its call');
select lives_ok($$ select rental.import_row('tenants', pg_temp.person('row2'), (select id from import where name = 'begun')) $$, 'so is the next, to the last');
select lives_ok($$ select pg_temp.invite('row3', 'begun') $$, 'an import has the rows it was begun with: one more is a call of its own');
select throws_ok($$ select pg_temp.invite('row4', 'begun') $$, 'PT429', 'rate_limited', 'and the next is one too many');
select throws_ok($$ select pg_temp.invite('row4') $$, 'PT429', 'rate_limited', 'as it is without an import');
select throws_ok($$ select rental.import_row('tenants', pg_temp.person('row4')) $$, 'PT429', 'rate_limited', 'by the door of the rows, too');
select throws_ok($$ select pg_temp.invite('row4', 'south''s') $$, 'PT429', 'rate_limited', 'another landlord''s import opens it for nobody else');
select throws_ok($$ select rental.begin_import('tenants', 1) $$, 'PT429', 'rate_limited', 'nor is one begun');
select throws_ok(
    $$ insert into rental.import_batches (owner_user_id, kind, rows_left) values (tests.id('north'), 'tenants', 100) $$,
    '42501', 'permission denied for table import_batches', 'nobody gives rows to an import');
select throws_ok($$ update rental.import_batches set rows_left = 100 $$, '42501', 'permission denied for table import_batches', 'or more of them');
select tests.act_as_admin();
delete from core.rate_limits;
select tests.act_as('app_user', 'north', 'north');
insert into import values ('units', rental.begin_import('units', 100)), ('ended', rental.begin_import('tenants', 100));
select throws_ok($$ select rental.record_import((select id from import where name = 'south''s'), '{}') $$, 'PT404', 'not_found', 'another landlord''s import is not ended');
select lives_ok(
    $$ select rental.record_import((select id from import where name = 'ended'), '{"successful": 0, "failed": 0}') $$, 'an own one is');
select throws_ok($$ select pg_temp.invite('row4', 'ended') $$, 'PT429', 'rate_limited', 'and then has no rows left');
select throws_ok($$ select pg_temp.invite('row4', 'units') $$, 'PT429', 'rate_limited', 'one of units never has');
select tests.act_as('app_user', 'south', 'south');
select lives_ok($$ select pg_temp.invite('row4', 'south''s') $$, 'whose import it is invites by it');

select * from finish();
rollback;

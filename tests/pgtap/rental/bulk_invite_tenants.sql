-- rental.bulk_invite_tenants: up to 100 rows, each by itself.
begin;
select plan(21);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft'), tests.unit('south', 'barn');
create temp table outcome (result jsonb);
grant all on outcome to app_user;
create function pg_temp.people(p_from integer, p_to integer) returns jsonb
    language sql
return (
    select coalesce(jsonb_agg(jsonb_build_object('firstName', 'F', 'lastName', 'L', 'email', format('p%s@example.test', n))), '[]')
      from generate_series(p_from, p_to) as n);

select tests.act_as('app_user', 'north', 'north');
select throws_ok($$ select rental.bulk_invite_tenants(pg_temp.people(1, 0)) $$, 'PT400', 'bad_request', 'no rows are refused');
select throws_ok($$ select rental.bulk_invite_tenants(pg_temp.people(1, 101)) $$, 'PT400', 'bad_request', '101 rows are refused');
select throws_ok($$ select rental.bulk_invite_tenants('{"email": "a@example.test"}') $$, 'PT400', 'bad_request', 'one object is no array');
select throws_ok($$ select rental.bulk_invite_tenants(null) $$, 'PT400', 'bad_request', 'nor is nothing');
select is(rental.bulk_invite_tenants(pg_temp.people(1, 1)) - 'results', '{"total": 1, "successful": 1, "failed": 0}', '1 row is fine');
select is(rental.bulk_invite_tenants(pg_temp.people(2, 101)) - 'results', '{"total": 100, "successful": 100, "failed": 0}', '100 rows are fine');
select tests.act_as_admin();
select is((select count(*) from core.job_queue where job_type = 'tenant_invite' and status = 'pending'), 101::bigint, 'one e-mail waits for each');
select is((select count(*) from rental.tenant_invites), 101::bigint, 'one invitation each');

-- Good and bad rows.
select tests.act_as('app_user', 'north', 'north');
select lives_ok($$
    insert into outcome select rental.bulk_invite_tenants(jsonb_build_array(
        jsonb_build_object('firstName', 'Good', 'lastName', 'One', 'email', 'Good@Example.Test', 'unitId', tests.id('loft')),
        jsonb_build_object('firstName', '', 'lastName', 'Name', 'email', 'noname@example.test'),
        jsonb_build_object('firstName', 'Bad', 'lastName', 'Mail', 'email', 'not an address'),
        jsonb_build_object('firstName', 'Bad', 'lastName', 'Unit', 'email', 'badunit@example.test', 'unitId', 'loft'),
        jsonb_build_object('firstName', 'Other', 'lastName', 'Unit', 'email', 'other@example.test', 'unitId', tests.id('barn')),
        jsonb_build_object('firstName', 'Same', 'lastName', 'Mail', 'email', 'good@example.test'),
        jsonb_build_object('firstName', 'A', 'lastName', 'B', 'email', 'typo@example.test', 'unit', 'x'),
        jsonb_build_object('firstName', 'A', 'lastName', 'B', 'email', array['x']),
        '"text"', 'null',
        jsonb_build_object('firstName', 'Empty', 'lastName', 'Unit', 'email', 'empty@example.test', 'unitId', ' '))) $$,
    'bad rows cost no good one');
select is((select result - 'results' from outcome), '{"total": 11, "successful": 2, "failed": 9}', 'they are counted');
select results_eq(
    $$ select r ->> 'row', r ->> 'email', r ->> 'inviteId' = i.id::text
         from outcome, jsonb_array_elements(result #> '{results,success}') as r
         join rental.tenant_invites as i on i.email::text = lower(r ->> 'email') $$,
    $$ values ('1', 'Good@Example.Test', true), ('11', 'empty@example.test', true) $$,
    'a good row names its invitation');
select results_eq(
    $$ select r ->> 'row', r ->> 'email', r ->> 'error' from outcome, jsonb_array_elements(result #> '{results,failed}') as r $$,
    $$ values
        ('2', 'noname@example.test', 'firstName is missing.'),
        ('3', 'not an address', 'email is no valid address.'),
        ('4', 'badunit@example.test', 'unitId is no UUID.'),
        ('5', 'other@example.test', 'The unit does not exist or is not yours.'),
        ('6', 'good@example.test', 'This address stands in an earlier row of the call.'),
        ('7', 'typo@example.test', 'There is no field unit; known are firstName, lastName, email, unitId.'),
        ('8', '["x"]', 'email must be text.'),
        ('9', null, 'The row is no object.'),
        ('10', null, 'The row is no object.') $$,
    'a bad row says why');
select is_empty($$ select id from rental.tenants where email in ('noname@example.test', 'other@example.test') $$, 'and leaves nothing');
select is((select unit_id from rental.tenants where email = 'empty@example.test'), null, 'an empty unit is none');

-- The log.
select results_eq(
    $$ select kind, total, successful, failed, status from rental.import_batches order by total, successful $$,
    $$ values ('tenants', 1, 1, 0, 'completed'), ('tenants', 11, 2, 9, 'completed'), ('tenants', 100, 100, 0, 'completed') $$,
    'each call is on record');
select results_eq(
    $$ select row_no, email, error from rental.import_errors order by row_no limit 1 $$,
    $$ values (2, 'noname@example.test', 'firstName is missing.') $$,
    'with what it refused');
select tests.act_as('app_user', 'south', 'south');
select is_empty($$ select id from rental.import_errors $$, 'south does not read it');
select is(rental.bulk_invite_tenants(pg_temp.people(1, 1)) - 'results', '{"total": 1, "successful": 1, "failed": 0}', 'south may invite the same people');
select is((select count(*) from rental.import_batches), 1::bigint, 'and has a record of its own');
select tests.act_as('app_user');
select throws_ok($$ select rental.bulk_invite_tenants(pg_temp.people(1, 1)) $$, 'PT401', 'unauthenticated', 'nobody signed in invites nobody');

-- R-X-83, R-LL-24: a call too many is refused as a whole, not row by row
select tests.act_as_admin();
delete from core.rate_limits;
update core.rate_limit_policies set max_requests = 1 where name = 'invites';
select tests.act_as('app_user', 'north', 'north');
select rental.bulk_invite_tenants(pg_temp.people(500, 501));
select throws_ok($$ select rental.bulk_invite_tenants(pg_temp.people(502, 503)) $$, 'PT429', 'rate_limited', 'calls are counted, not rows');

select * from finish();
rollback;

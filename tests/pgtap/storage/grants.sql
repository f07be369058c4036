-- Tokens and the life of a file: redeem, finish, read, delete, purge. Tokens end by use, by time and with their object.
begin;
select plan(44);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER');
create function tests.path(p_tenant text, p_name text) returns text language sql immutable return tests.id(p_tenant)::text || '/' || p_name;
create temporary table upload (name text, token text);
create temporary table url (name text, token text);
grant all on upload, url to app_user, app_worker;

-- upload
select tests.act_as('app_user', 'ann', 'north');
insert into upload select n, (storage.create_upload('attachments', tests.path('north', n), 'application/pdf', 1000)).token from unnest(array['a', 'b', 'c', 'late', 'big']) as n;
select tests.act_as('app_worker');
select results_eq(
    $$ select r.* from upload, storage.redeem_grant(token) as r where upload.name = 'a' $$,
    $$ values ('attachments', tests.path('north', 'a'), 'upload') $$, 'the gateway learns what a token allows');
select throws_ok(format($$ select storage.redeem_grant(%L) $$, token), 'PT410', 'expired', 'once') from upload where name = 'a';
select throws_ok($$ select storage.redeem_grant('guess') $$, 'PT410', 'expired', 'an unknown token says no more than a used one');
select throws_ok($$ select storage.redeem_grant(null) $$, 'PT410', 'expired', 'nor does none');
select results_eq(
    $$ select r.state, r.size_bytes, r.content_sha256 from upload, storage.finish_upload(token, 999, repeat('AB', 32)) as r where upload.name = 'a' $$,
    $$ values ('uploaded', 999::bigint, repeat('ab', 32)) $$, 'the upload is finished with what arrived');
select throws_ok(format($$ select storage.finish_upload(%L, 999, repeat('ab', 32)) $$, token), 'PT410', 'expired', 'once as well') from upload where name = 'a';
select lives_ok(format($$ select storage.finish_upload(%L, 1000, repeat('ab', 32)) $$, token), 'without redeeming it works too') from upload where name = 'b';
select throws_ok(format($$ select storage.redeem_grant(%L) $$, token), 'PT410', 'expired', 'and ends the token') from upload where name = 'b';
select throws_ok(format($$ select storage.finish_upload(%L, 52428801, repeat('ab', 32)) $$, token), 'PT422', 'invalid', 'more bytes than the bucket takes are refused') from upload where name = 'big';
select throws_ok(format($$ select storage.finish_upload(%L, 1, 'x') $$, token), 'PT422', 'invalid', 'a malformed hash too') from upload where name = 'big';
select throws_ok(format($$ select storage.finish_upload(%L, -1, repeat('ab', 32)) $$, token), 'PT422', 'invalid', 'or a negative size') from upload where name = 'big';
select lives_ok(format($$ select storage.finish_upload(%L, 52428800, repeat('ab', 32)) $$, token), 'and the token is still good') from upload where name = 'big';
select tests.act_as_admin();
update storage.access_grants set expires_at = clock_timestamp() where token_hash = (select encode(sha256(convert_to(token, 'UTF8')), 'hex') from upload where name = 'late');
select tests.act_as('app_worker');
select throws_ok(format($$ select storage.finish_upload(%L, 1, repeat('ab', 32)) $$, token), 'PT410', 'expired', 'an expired token uploads nothing') from upload where name = 'late';
select throws_ok(format($$ select storage.redeem_grant(%L) $$, token), 'PT410', 'expired', 'nor is it redeemed') from upload where name = 'late';

-- read
select tests.act_as('app_user', 'bob', 'north');
insert into url select n, (storage.create_signed_url('attachments', tests.path('north', n))).token from unnest(array['a', 'b', 'big']) as n;
select is(
    (select path from storage.create_signed_url('attachments', tests.path('north', 'a'), 1)), 'attachments/' || tests.path('north', 'a'), 'a member gets a token to read');
select throws_ok($$ select storage.create_signed_url('attachments', tests.path('north', 'c')) $$, 'PT404', 'not_found', 'not before the bytes are there');
select throws_ok($$ select storage.create_signed_url('attachments', tests.path('north', 'a'), 3601) $$, 'PT422', 'invalid', 'nor for more than an hour');
select throws_ok($$ select storage.create_signed_url('attachments', tests.path('north', 'a'), 0) $$, 'PT422', 'invalid', 'nor for no time');
select tests.act_as('app_user', 'sue', 'south');
select is(
    tests.error_of($$ select storage.create_signed_url('attachments', tests.path('north', 'a')) $$),
    tests.error_of($$ select storage.create_signed_url('attachments', tests.path('north', 'nothing')) $$),
    'to sue a file of north looks like none');
select throws_ok($$ select storage.create_signed_url('attachments', tests.path('north', 'a')) $$, 'PT404', 'not_found', 'and there is none for her');
select tests.act_as('app_worker');
select results_eq(
    $$ select r.* from url, storage.redeem_grant(token) as r where url.name = 'a' $$, $$ values ('attachments', tests.path('north', 'a'), 'read') $$, 'the gateway serves the reader');
select lives_ok(format($$ select storage.redeem_grant(%L) $$, token), 'who may ask again') from url where name = 'a';
select throws_ok(format($$ select storage.finish_upload(%L, 1, repeat('ab', 32)) $$, token), 'PT410', 'expired', 'but not write with it') from url where name = 'a';
select tests.act_as_admin();
update storage.access_grants set expires_at = clock_timestamp() where token_hash = (select encode(sha256(convert_to(token, 'UTF8')), 'hex') from url where name = 'b');
select tests.act_as('app_worker');
select throws_ok(format($$ select storage.redeem_grant(%L) $$, token), 'PT410', 'expired', 'an expired token reads nothing') from url where name = 'b';

-- delete
select tests.act_as('app_user', 'bob', 'north');
select throws_ok($$ select storage.delete_object('attachments', tests.path('north', 'a')) $$, 'PT403', 'forbidden', 'a member deletes nothing');
select tests.act_as('app_user', 'sue', 'south');
select throws_ok($$ select storage.delete_object('attachments', tests.path('north', 'a')) $$, 'PT404', 'not_found', 'the owner of another tenant finds nothing to delete');
select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select storage.delete_object('attachments', tests.path('north', 'a')) $$, 'the owner deletes');
select throws_ok($$ select storage.delete_object('attachments', tests.path('north', 'a')) $$, 'PT404', 'not_found', 'once');
select tests.act_as('app_worker');
select throws_ok(format($$ select storage.redeem_grant(%L) $$, token), 'PT410', 'expired', 'and tokens to read it end') from url where name = 'a';

-- purge
select tests.act_as('app_owner');
select is(storage.purge_stale(), 2, 'the purge takes expired tokens only');
select tests.act_as_admin();
alter table storage.objects disable trigger _300_touch_updated_at;
update storage.objects set updated_at = now() - interval '24 hours 1 second' where name in (tests.path('north', 'a'), tests.path('north', 'b'), tests.path('north', 'c'));
alter table storage.objects enable trigger _300_touch_updated_at;
select tests.act_as('app_owner');
select cmp_ok(storage.purge_stale(), '>=', 2, 'after a day it takes more');
select results_eq(
    $$ select right(name, -37), state from storage.objects order by name $$,
    $$ values ('b', 'uploaded'), ('big', 'uploaded'), ('late', 'pending') $$,
    'what was deleted and what never arrived; not what is uploaded or still young');
select is(storage.purge_stale(), 0, 'a second run finds nothing');
select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select storage.create_upload('attachments', tests.path('north', 'a'), 'application/pdf', 1) $$, 'the name is free again');
select throws_ok($$ select storage.purge_stale() $$, '42501', 'permission denied for function purge_stale', 'an application role purges nothing');

-- R-X-83: tokens are counted, by person
select tests.act_as_admin();
delete from core.rate_limits;
update core.rate_limit_policies set max_requests = 5, algorithm = 'exact' where name = 'signed_urls';
select tests.act_as('app_user', 'bob', 'north');
select lives_ok(format($$ select storage.create_upload('attachments', %L, 'application/pdf', 1) $$, tests.path('north', 'many' || n)), 'upload ' || n || ' of a minute')
  from generate_series(1, 3) as n;
select lives_ok($$ select storage.create_signed_url('attachments', tests.path('north', 'big')) $$, 'and token ' || n || ' to read') from generate_series(1, 2) as n;
select throws_ok($$ select storage.create_signed_url('attachments', tests.path('north', 'big')) $$, 'PT429', 'rate_limited', 'the sixth is refused');
select throws_ok($$ select storage.create_upload('attachments', tests.path('north', 'many4'), 'application/pdf', 1) $$, 'PT429', 'rate_limited', 'for an upload too');
select is_empty($$ select from storage.objects where name = tests.path('north', 'many4') $$, 'which reserves nothing');
select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select storage.create_signed_url('attachments', tests.path('north', 'big')) $$, 'a colleague has tokens left');

select * from finish();
rollback;

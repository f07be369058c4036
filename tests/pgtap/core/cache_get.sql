-- core.cache_get, _set, _invalidate and the triggers: per tenant, never expired, never older than what it was made from.
begin;
select plan(97);

select tests.tenant('north', 'crm', 'ann'), tests.member('north', 'bob', 'MEMBER'), tests.member('north', 'cid', 'MEMBER'), tests.tenant('south', 'crm', 'sue');
select tests.widgets();
insert into core.cache_policies (name, priority, ttl_seconds, tag, source_tables) values ('widgets', 'P1', 600, 'widgets', '{core.widgets}');
set local role app_owner;
select core.attach_cache_invalidation('core.widgets', 'widgets');
reset role;

-- A new request: what core.cache_get noted about the last one ends with its transaction.
create function tests.request(p_person text, p_tenant text default null) returns void
    language plpgsql
as $$
begin
    perform tests.act_as('app_user', p_person, p_tenant);
    perform set_config('app.cache_seen', '', true);
end
$$;

-- Set, get, expire, miss: R-X-68, 69.
select tests.request('ann', 'north');
select is(core.cache_get('customers', '1'), null, 'a miss');
select lives_ok($$ select core.cache_set('customers', '1', '{"name": "x"}') $$, 'set');
select is(core.cache_get('customers', '1'), '{"name": "x"}', 'and found');
select is(core.cache_get('customers', '2'), null, 'another key is another entry');
select is(core.cache_get('equipment', '1'), null, 'and so is another policy');
select lives_ok($$ select core.cache_set('customers', '1', '{"name": "y"}') $$, 'set again');
select is(core.cache_get('customers', '1'), '{"name": "y"}', 'it is replaced');
select results_eq($$ select key, tags from core.cache_entries $$, $$ values ('customers:1' collate "C", '{customers}'::text[]) $$, 'it carries the tag of its policy');
select is(round(extract(epoch from expires_at - created_at)), 300::numeric, 'and lives as long as the policy says') from core.cache_entries;
select lives_ok($$ select core.cache_set('pricebook', 'all', '[1]') $$, 'a policy of an hour');
select is(round(extract(epoch from expires_at - created_at)), 300::numeric, 'without a look-up first: five minutes') from core.cache_entries where key = 'pricebook:all';
select core.cache_invalidate('pricebook:all');
select is(core.cache_get('pricebook', 'all'), null, 'after one');
select core.cache_set('pricebook', 'all', '[1]');
select is(round(extract(epoch from expires_at - created_at)), 3600::numeric, 'lives for an hour') from core.cache_entries where key = 'pricebook:all';
select lives_ok($$ select core.cache_set('pricebook', 'all', '[1]', p_ttl_seconds => 100000) $$, 'asked for more than a day');
select is(round(extract(epoch from expires_at - created_at)), 86400::numeric, 'it is a day') from core.cache_entries where key = 'pricebook:all';
select tests.act_as_admin();
update core.cache_entries set expires_at = clock_timestamp() - interval '1 second' where key = 'pricebook:all';
select tests.request('ann', 'north');
select is(core.cache_get('pricebook', 'all'), null, 'an expired entry is never returned, purged or not');
select is_empty($$ select key from core.cache_entries where key = 'pricebook:all' $$, 'nor is it seen');
select lives_ok($$ select core.cache_set('customers', 'null', 'null') $$, 'a value of nothing');
select is(core.cache_get('customers', 'null'), 'null'::jsonb, 'is a value');

-- Tenants, roles and users: R-X-75.
select tests.request('sue', 'south');
select is(core.cache_get('customers', '1'), null, 'another tenant does not find it');
select lives_ok($$ select core.cache_set('customers', '1', '"of south"') $$, 'has its own');
select is(core.cache_get('customers', '1'), '"of south"', 'and finds that');
select is_empty($$ select key from core.cache_entries where tenant_id = tests.id('north') $$, 'and sees no entry of others');
select tests.request('bob', 'north');
select is(core.cache_get('customers', '1'), '{"name": "y"}', 'a colleague finds it');
select is(core.cache_get('labor_rates', 'all'), null, 'rates depend on the role');
select lives_ok($$ select core.cache_set('labor_rates', 'all', '"for members"') $$, 'bob keeps what members see');
select tests.request('cid', 'north');
select is(core.cache_get('labor_rates', 'all'), '"for members"', 'another member finds it');
select tests.request('ann', 'north');
select is(core.cache_get('labor_rates', 'all'), null, 'the owner does not');
select lives_ok($$ select core.cache_set('labor_rates', 'all', '"for owners"') $$, 'and keeps another');
select tests.request('bob', 'north');
select is(core.cache_get('labor_rates', 'all'), '"for members"', 'beside it');
select is(core.cache_get('permissions', 'all'), null, 'permissions are each user''s');
select lives_ok($$ select core.cache_set('permissions', 'all', '"of bob"') $$, 'bob''s');
select tests.request('cid', 'north');
select is(core.cache_get('permissions', 'all'), null, 'are not cid''s');
select tests.request('bob');
select throws_ok($$ select core.cache_get('customers', '1') $$, 'PT403', 'forbidden', 'without a tenant there is no tenant''s entry');
select is(core.cache_get('sessions', 's'), null, 'a person''s');
select lives_ok($$ select core.cache_set('sessions', 's', '"bob"') $$, 'needs none');
select tests.request('bob', 'north');
select is(core.cache_get('sessions', 's'), '"bob"', 'and is the person''s in every tenant');

-- What is refused: R-X-73.
select throws_ok(format($$ select core.cache_set(%L, 'k', '1') $$, name), 'PT422', 'invalid', name || ' is never cached')
  from unnest(array['schedule', 'job_status', 'payments', 'audit_logs', 'auth_tokens']) as name;
select throws_ok($$ select core.cache_set('no_such', 'k', '1') $$, 'PT422', 'invalid', 'an unknown policy');
select throws_ok($$ select core.cache_get('no_such', 'k') $$, 'PT422', 'invalid', 'is refused on reading, too');
select throws_ok($$ select core.cache_set('user_roles', 'all', '["ADMIN"]') $$, 'PT422', 'invalid', 'nobody writes their own roles');
select throws_ok(format($$ select core.cache_set('customers', %s) $$, input.rest), 'PT422', 'invalid', 'refused: ' || input.what)
  from (values ('no key', $$ null, '1' $$), ('an empty key', $$ '', '1' $$), ('a long key', $$ repeat('k', 513), '1' $$), ('no value', $$ 'k', null $$),
               ('no tags', $$ 'k', '1', null $$), ('an empty tag', $$ 'k', '1', array[null] $$), ('a tag too long', $$ 'k', '1', array[repeat('t', 513)] $$), ('no time', $$ 'k', '1', '{}', 0 $$)) as input (what, rest);
select throws_ok(
    $$ select core.cache_set('customers', 'k', (select jsonb_agg(md5(n::text)) from generate_series(1, 40000) as n)) $$, 'PT422', 'invalid', 'refused: more than a megabyte');

-- Forgetting: R-X-70.
select tests.request('ann', 'north');
select core.cache_set('customers', k, '1', tags) from (values ('1', '{vip}'::text[]), ('2', '{}'), ('10', '{vip}')) as e (k, tags);
select core.cache_set('equipment', '1', '1', '{vip}');
select is(core.cache_invalidate('customers:1'), 1, 'one key');
select tests.request('ann', 'north');
select is(core.cache_get('customers', '1'), null, 'is gone');
select is(core.cache_get('customers', '10'), '1', 'longer ones stay');
select is(core.cache_invalidate_tag('vip'), 2, 'a tag, whatever the policy');
select is(core.cache_get('equipment', '1'), null, 'is gone there, too');
select is(core.cache_get('customers', '2'), '1', 'what does not carry it stays');
select core.cache_set('customers', '1', '1'), core.cache_set('equipment', '1', '1');
select core.cache_set('equipment', 'customers:1', '1');
select is(core.cache_invalidate_prefix('customers:%'), 0, 'a prefix is no pattern');
select is(core.cache_invalidate_prefix('customers:'), 3, 'a prefix takes all that begin with it');
select is(core.cache_get('customers', '2'), null, 'they are gone');
select is(core.cache_get('equipment', 'customers:1'), '1', 'what only contains it stays');
select is(core.cache_invalidate_prefix('customersx'), 0, 'a longer word is another');
select core.cache_set('customers', '1', '1');
select is(core.cache_invalidate_prefix('custome'), 1, 'and a prefix may end in a word');
select throws_ok($$ select core.cache_invalidate_prefix(null) $$, 'PT400', 'bad_request', 'nothing is no prefix');
select tests.request('sue', 'south');
select is(core.cache_get('customers', '1'), '"of south"', 'other tenants keep theirs');

-- A value computed before it was invalidated is not served after: the miss came first.
select tests.request('ann', 'north');
select is(core.cache_get('customers', 'slow'), null, 'a miss, and then something happens');
select core.cache_invalidate_tag('customers');
select core.cache_set('customers', 'slow', '"old"');
select is(core.cache_get('customers', 'slow'), null, 'before the value is set: it is not found');

-- Writes invalidate, a rollback does not: R-X-71.
select tests.act_as_admin();
insert into core.widgets (tenant_id, id, name) values (tests.id('north'), tests.id('w1'), 'one'), (tests.id('south'), tests.id('w2'), 'two');
create function tests.cached(p_person text, p_tenant text) returns jsonb
    language plpgsql
as $$
begin
    perform tests.request(p_person, p_tenant);
    return core.cache_get('widgets', 'all');
end
$$;
create function tests.keep(p_person text, p_tenant text) returns void
    language plpgsql
as $$
begin
    perform tests.cached(p_person, p_tenant);
    perform core.cache_set('widgets', 'all', to_jsonb(p_tenant));
end
$$;
select tests.act_as_admin();
grant execute on function tests.cached(text, text), tests.keep(text, text) to app_user;
select tests.keep('ann', 'north'), tests.keep('sue', 'south');
select is(tests.cached('ann', 'north'), '"north"', 'kept after an insert of the same transaction: it was seen');
select is(tests.cached('sue', 'south'), '"south"', 'for both tenants');

select tests.act_as_admin();
savepoint before;
update core.widgets set name = 'uno' where id = tests.id('w1');
select is(tests.cached('ann', 'north'), null, 'an update makes it stale');
select is(tests.cached('sue', 'south'), '"south"', 'of the row''s tenant only');
select tests.keep('ann', 'north');
select is(tests.cached('ann', 'north'), '"north"', 'computed anew it is found');
rollback to before;
select is(tests.cached('ann', 'north'), '"north"', 'a rollback leaves the old one');
select tests.act_as_admin();
savepoint before;
delete from core.widgets where id = tests.id('w1');
select is(tests.cached('ann', 'north'), null, 'a deletion makes it stale');
rollback to before;
select tests.act_as_admin();
savepoint before;
insert into core.widgets (tenant_id, name) select tests.id(t), 'many' from unnest(array['north', 'south']) as t, generate_series(1, 5);
select is(tests.cached('ann', 'north'), null, 'an insert of many rows makes it stale');
select is(tests.cached('sue', 'south'), null, 'for all of their tenants');
select tests.act_as_admin();
select results_eq($$ select tag, count(*) from core.cache_invalidations where tag = 'widgets' group by tag $$, $$ values ('widgets' collate "C", 2::bigint) $$, 'noted once a tenant');
rollback to before;
select tests.act_as_admin();
savepoint before;
truncate core.widgets;
select is(tests.cached('ann', 'north'), null, 'TRUNCATE makes it stale');
rollback to before;
select tests.act_as_admin();
savepoint before;
update core.widgets set name = 'nobody' where id = tests.id('none');
merge into core.widgets as w using (values (tests.id('south'), tests.id('w2'))) as v (tenant_id, id) on w.tenant_id = v.tenant_id and w.id = v.id
 when matched then update set name = 'dos';
select is(tests.cached('ann', 'north'), '"north"', 'a statement that touches none of its rows does not');
select is(tests.cached('sue', 'south'), null, 'MERGE does');
rollback to before;

-- No policy is without its triggers: R-X-72.
select tests.act_as('app_monitor');
select is_empty($$ select * from core.cache_unguarded() $$, 'every source table that exists invalidates');
select tests.act_as_admin();
drop trigger _700_cache_invalidate_delete on core.widgets;
select tests.act_as('app_monitor');
select results_eq($$ select * from core.cache_unguarded() $$, $$ values ('widgets', 'core.widgets') $$, 'one that does not on DELETE is found');
select tests.act_as_admin();
set local role app_owner;
select throws_ok($$ select core.attach_cache_invalidation('core.permissions', 'p') $$, 'PT422', 'invalid', 'a table without a tenant needs a column');
reset role;

-- A change of role is seen at once: R-X-28.
select tests.request('bob', 'north');
select core.cache_get('permissions', 'all'), core.cache_set('permissions', 'all', '"as a member"');
select is(core.cache_get('permissions', 'all'), '"as a member"', 'permissions are kept');
select tests.act_as_admin();
update core.memberships set role_key = 'VIEWER' where user_id = tests.id('bob');
select tests.request('bob', 'north');
select is(core.cache_get('permissions', 'all'), null, 'until the role changes');

-- Read-only transactions read, and store nothing.
savepoint before;
set local transaction_read_only = on;
select is(core.cache_get('sessions', 's'), '"bob"', 'read-only: what is kept is found');
select lives_ok($$ select core.cache_set('sessions', 's', '1') $$, 'read-only: setting is no error');
select is(core.cache_get('sessions', 's'), '"bob"', 'but does nothing');
rollback to before;

-- Who may.
select throws_ok($$ select value from core.cache_entries $$, '42501', 'permission denied for table cache_entries', 'values are read through core.cache_get');
select throws_ok($$ delete from core.cache_entries $$, '42501', 'permission denied for table cache_entries', 'and removed by core.cache_invalidate');
select throws_ok($$ select core.cache_read(tests.id('south'), 'customers', '1') $$, '42501', 'permission denied for function cache_read', 'nobody names another room to read');
select throws_ok($$ select core.cache_write(tests.id('south'), 'customers', '1', '', '1') $$, '42501', 'permission denied for function cache_write', 'or to write');
select tests.act_as('app_user');
select throws_ok($$ select core.cache_get('customers', '1') $$, 'PT401', 'unauthenticated', 'nobody signed in has no cache');

-- what no entry can be called is in no entry
select tests.act_as('app_user', 'ann', 'north');
create temporary table long_name as select string_agg(md5(n::text), '') as value from generate_series(1, 300) as n;
select results_eq(
    $$ select core.cache_invalidate(value), core.cache_invalidate_tag(value), core.cache_invalidate_prefix(value) from long_name $$, $$ values (0, 0, 0) $$,
    'a name of any length can be forgotten');

select * from finish();
rollback;

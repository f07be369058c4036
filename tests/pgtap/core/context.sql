-- Context, mode sealed: only what core.set_context wrote in this transaction is believed.
-- What crosses transactions and backends for real is in context_transactions.sql and tests/concurrency.
begin;
select plan(32);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select core.ensure_context_key();

-- remembers settings of a moment, so that they can be put back by hand
create function tests.settings() returns text[]
    language sql
return array[current_setting('app.user_id', true), current_setting('app.tenant_id', true), current_setting('app.seal', true)];

create function tests.put_settings(p_values text[]) returns void
    language sql
begin atomic
    select set_config('app.user_id', p_values[1], true), set_config('app.tenant_id', p_values[2], true),
           set_config('app.seal', p_values[3], true);
end;

-- a seal as only the holder of the key can make one
create function tests.seal(p_person text, p_tenant text, p_pid integer, p_started_at timestamptz) returns text
    language sql
begin atomic
    select k.id || '.' || core.context_mac(k.key, tests.id(p_person)::text, coalesce(tests.id(p_tenant)::text, ''), p_pid, p_started_at)
      from core.context_keys as k
     where k.retired_at is null;
end;

-- who may
select tests.act_as('app_user');
select lives_ok($$ select core.set_context(tests.id('ann'), tests.id('north')) $$, 'an application role names the person itself');
select tests.act_as('app_anon');
select throws_ok($$ select core.set_context(tests.id('ann')) $$, '42501', 'permission denied for function set_context', 'not before sign-in');

-- no context
select tests.act_as('app_user');
select is(core.active_tenant_id(), null, 'without context there is no tenant');
select is(core.current_user_id(), null, 'without context there is no person');
select is(core.current_tenant_id(), null, 'current_tenant_id says the same');
select is_empty($$ select from core.tenants $$, 'without context no tenant is visible');

-- the permitted twin of everything below
select tests.act_as('app_user', 'ann', 'north');
select is(core.active_tenant_id(), tests.id('north'), 'set_context opens the tenant');
select is(core.current_user_id(), tests.id('ann'), 'set_context names the person');
select is(core.current_tenant_id(), tests.id('north'), 'current_tenant_id is the same tenant');
select results_eq($$ select name from core.tenants $$, $$ values ('north') $$, 'ann sees north and no other tenant');

select tests.act_as('app_user', 'ann');
select is(core.active_tenant_id(), null, 'a context without tenant has no tenant');
select is(core.current_user_id(), tests.id('ann'), 'a context without tenant still has a person');

-- a setting written by hand
select tests.act_as('app_user');
select tests.put_settings(array[tests.id('sue')::text, tests.id('south')::text, '']);
select is(core.active_tenant_id(), null, 'settings written by hand without a seal open nothing');
select is(core.current_user_id(), null, 'settings written by hand without a seal name nobody');
select is_empty($$ select from core.tenants $$, 'settings written by hand show no rows');

-- a forged seal
select tests.put_settings(array[tests.id('sue')::text, tests.id('south')::text, '1.' || repeat('0', 64)]);
select is(core.active_tenant_id(), null, 'a made-up seal opens nothing');
select tests.act_as('app_user', 'ann', 'north');
select set_config('app.tenant_id', tests.id('south')::text, true);
select is(core.active_tenant_id(), null, 'another tenant under the same seal opens nothing');
select is(core.current_user_id(), null, 'and the person is gone as well');
select set_config('app.tenant_id', tests.id('north')::text, true);
select is(core.active_tenant_id(), tests.id('north'), 'the sealed tenant put back opens it again');
select set_config('app.user_id', tests.id('sue')::text, true);
select is(core.current_user_id(), null, 'another person under the same seal is nobody');

-- copied to another backend, replayed in a later transaction: the key is right, the place or the time is not
select tests.act_as_admin();
select tests.put_settings(array[tests.id('sue')::text, tests.id('south')::text, tests.seal('sue', 'south', pg_backend_pid(), now())]);
select is(core.active_tenant_id(), tests.id('south'), 'a true seal of this backend and transaction holds');
select tests.put_settings(array[tests.id('sue')::text, tests.id('south')::text, tests.seal('sue', 'south', pg_backend_pid() + 1, now())]);
select is(core.active_tenant_id(), null, 'the seal of another backend opens nothing');
select tests.put_settings(array[tests.id('sue')::text, tests.id('south')::text,
                                tests.seal('sue', 'south', pg_backend_pid(), now() - interval '1 microsecond')]);
select is(core.active_tenant_id(), null, 'the seal of an earlier transaction opens nothing');

-- garbage
select tests.act_as('app_user');
select lives_ok(
    format($$ select tests.put_settings(array[%L, %L, %L]), core.active_tenant_id(), core.current_user_id() $$, settings.user_id, settings.tenant_id, settings.seal),
    'garbage in the settings never raises: ' || settings.what)
  from (values
    ('no uuid', 'nobody', 'nothing', 'no seal'),
    ('36 characters that are no uuid', repeat('x', 36), repeat('y', 36), '1.' || repeat('z', 64)),
    ('a seal without key id', tests.id('sue')::text, tests.id('south')::text, '.'),
    ('a key id out of range', tests.id('sue')::text, tests.id('south')::text, '99999999999999999999.abc'),
    ('a quote', '''; drop', '''; drop', '''')
  ) as settings (what, user_id, tenant_id, seal);

-- clearing
select tests.act_as('app_user', 'ann', 'north');
select core.clear_context();
select results_eq(
    $$ select core.active_tenant_id(), core.current_user_id() $$,
    $$ values (null::uuid, null::uuid) $$,
    'clear_context forgets person and tenant');

select tests.act_as('app_user', 'ann', 'north');
reset all;
select is(core.active_tenant_id(), null, 'reset all leaves no context');

-- A limit counts for who is sealed, so nobody spends another's.
select tests.act_as('app_user', 'ann', 'north');
select results_eq($$ select remaining from core.rate_limit('user') $$, $$ values (99) $$, 'ann makes a request');
select tests.act_as('app_user');
select set_config('app.user_id', tests.id('ann')::text, true), set_config('app.client_ip', '192.0.2.10', true);
select results_eq($$ select remaining from core.rate_limit('user') $$, $$ values (99) $$, 'her name in a setting without its seal is nobody''s: the address counts');

select * from finish();
rollback;

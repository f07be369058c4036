-- core.optimistic_update: the row as it was read, or a refusal that says why. The race itself is in tests/concurrency.
begin;
select plan(24);

select tests.widgets();
select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
insert into core.widgets (tenant_id, id, name, size, secret)
values (tests.id('north'), tests.id('w1'), 'w1', 1, 'hidden'), (tests.id('south'), tests.id('w2'), 'w2', 1, 'hidden');

select tests.act_as('app_user', 'ann', 'north');
select is(
    core.optimistic_update('core.widgets', tests.id('w1'), '{"name": "W1", "size": 2}', 0, '{name, size}') - 'updated_at',
    jsonb_build_object('tenant_id', tests.id('north'), 'id', tests.id('w1'), 'name', 'W1', 'size', 2, 'version', 1, 'deleted_at', null, 'deleted_by', null),
    'the row comes back as it is now, without what the caller cannot read');
select is((core.optimistic_update('core.widgets', tests.id('w1'), '{"size": null}', 1, '{name, size}') ->> 'size'), null, 'a field can be emptied');
select is((select name from core.widgets), 'W1', 'and the others stay');
select is(
    tests.error_of($$ select core.optimistic_update('core.widgets', tests.id('w1'), '{"name": "late"}', 1, '{name}') $$) - 'detail',
    '{"code": "PT409", "message": "version_conflict", "hint": "{\"version\": 2}"}'::jsonb,
    'a stale version is refused and the current one named');
select throws_ok($$ select core.optimistic_update('core.widgets', tests.id('w1'), '{"name": "early"}', 3, '{name}') $$, 'PT409', 'version_conflict', 'one from the future too');
select throws_ok($$ select core.optimistic_update('core.widgets', tests.id('nothing'), '{"name": "x"}', 0, '{name}') $$, 'PT404', 'not_found', 'what never was is not found');
select is(
    tests.error_of($$ select core.optimistic_update('core.widgets', tests.id('w2'), '{"name": "x"}', 0, '{name}') $$),
    tests.error_of($$ select core.optimistic_update('core.widgets', tests.id('nothing'), '{"name": "x"}', 0, '{name}') $$),
    'a foreign row gives the very same error');
select is(
    (tests.error_of($$ select core.optimistic_update('core.widgets', tests.id('w1'), '{"name": "x", "tenant_id": "y", "nonsense": 1}', 2, '{name}') $$) ->> 'hint')::jsonb,
    '{"tenant_id": "cannot be changed", "nonsense": "cannot be changed"}'::jsonb,
    'fields that are not on the list are named');
select throws_ok($$ select core.optimistic_update('core.widgets', tests.id('w1'), '{"version": 9}', 2, '{name}') $$, 'PT422', 'invalid', 'the version is none of them');
select throws_ok($$ select core.optimistic_update('core.widgets', tests.id('w1'), '{"size": 0}', 2, '{size}') $$, '23514', null, 'checks speak for themselves');
select throws_ok($$ select core.optimistic_update('core.widgets', tests.id('w1'), '{"size": "big"}', 2, '{size}') $$, '22P02', null, 'and types');
select throws_ok($$ select core.optimistic_update('core.widgets', tests.id('w1'), '{"na\"me": 1}', 2, '{"na\"me"}') $$, '42703', null, 'a name is quoted, never run');

select throws_ok(format($$ select core.optimistic_update('core.widgets', %s, %s, %s, %s) $$, input.id, input.patch, input.version, input.allowed),
    'PT400', 'bad_request', 'refused: ' || input.what)
  from (values
    ('no id', 'null', '''{"name": "x"}''', '2', '''{name}'''),
    ('an empty patch', 'tests.id(''w1'')', '''{}''', '2', '''{name}'''),
    ('a patch that is no object', 'tests.id(''w1'')', '''[1]''', '2', '''{name}'''),
    ('no patch', 'tests.id(''w1'')', 'null', '2', '''{name}'''),
    ('no version', 'tests.id(''w1'')', '''{"name": "x"}''', 'null', '''{name}'''),
    ('no list', 'tests.id(''w1'')', '''{"name": "x"}''', '2', 'null')
  ) as input (what, id, patch, version, allowed);
select results_eq($$ select name, version from core.widgets $$, $$ values ('W1', 2) $$, 'nothing of all that changed the row');

-- inside a definer function row security does not scope the row, so the tenant column does
select tests.act_as_admin();
grant usage, create on schema tests to app_definer;
create function tests.rename(p_table regclass, p_id uuid, p_version integer) returns jsonb
    language sql security definer
begin atomic
    select core.optimistic_update(p_table, p_id, '{"name": "renamed"}', p_version, '{name}');
end;
alter function tests.rename(regclass, uuid, integer) owner to app_definer;
select tests.act_as('app_user', 'ann', 'north');
select is(tests.rename('core.widgets', tests.id('w1'), 2) ->> 'name', 'renamed', 'a definer function updates a row of the active tenant');
select throws_ok($$ select tests.rename('core.widgets', tests.id('w2'), 0) $$, 'PT404', 'not_found', 'and no other');
select throws_ok($$ select tests.rename('core.users', tests.id('ann'), 0) $$, 'PT503', 'unavailable', 'a table without declared tenant column is refused');
select tests.act_as('app_user');
select throws_ok($$ select tests.rename('core.widgets', tests.id('w1'), 3) $$, 'PT401', 'unauthenticated', 'and so is nobody');
select tests.act_as_admin();
select is((select name from core.widgets where id = tests.id('w2')), 'w2', 'the foreign row is untouched');

select * from finish();
rollback;

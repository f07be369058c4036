-- core.raise_error: the error contract in one place.
begin;
select plan(3);

select tests.act_as('app_user');
select is(
    tests.error_of($$ select core.raise_error('PT409', 'version_conflict', 'Somebody else changed the record.', '{"version": 3}') $$),
    '{"code": "PT409", "message": "version_conflict", "detail": "Somebody else changed the record.", "hint": "{\"version\": 3}"}'::jsonb,
    'code, key, detail and hint arrive as given');
select is(
    tests.error_of($$ select core.raise_error('PT404', 'not_found', 'There is no such record.') $$) ->> 'hint', '',
    'without a hint there is none');
select is(tests.error_of($$ select 1 $$), null, 'no error is no error');

select * from finish();
rollback;

-- core.error_info: status, key and harmless message for every code; comments of constraints are messages.
begin;
select plan(23);

select tests.act_as('app_user');
select results_eq(
    format($$ select http_status, key from core.error_info(%L) $$, expected.code),
    format($$ values (%s, %L) $$, expected.http_status, expected.key),
    expected.code || ' is ' || expected.http_status || ' ' || expected.key)
  from (values
    ('PT400', 400, 'bad_request'), ('PT401', 401, 'unauthenticated'), ('PT402', 402, 'upgrade_required'), ('PT403', 403, 'forbidden'),
    ('PT404', 404, 'not_found'), ('PT409', 409, 'conflict'), ('PT410', 410, 'expired'), ('PT422', 422, 'invalid'),
    ('PT429', 429, 'rate_limited'), ('PT503', 503, 'unavailable'),
    ('23001', 409, 'conflict'), ('23502', 422, 'invalid'), ('23503', 409, 'conflict'), ('23505', 409, 'conflict'), ('23514', 422, 'invalid'),
    ('42501', 403, 'forbidden'), ('40001', 503, 'retry'), ('40P01', 503, 'retry'), ('22P02', 400, 'bad_request'),
    ('XX000', 500, 'internal')
  ) as expected (code, http_status, key);

select is((select message from core.error_info('23505', 'users_email_key')), 'This e-mail address is already in use.', 'a constraint with a comment speaks with it');
select is((select message from core.error_info('23505', 'memberships_pkey')), 'This already exists.', 'one without says the usual');
select is((select message from core.error_info('42P01', 'users_email_key')), 'Something went wrong.', 'internal errors say nothing');

select * from finish();
rollback;

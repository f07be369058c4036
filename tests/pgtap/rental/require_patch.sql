-- rental.require_patch: an object with allowed keys.
begin;
select plan(7);

select tests.act_as('app_user');
select lives_ok($$ select rental.require_patch('{"a": 1, "b": null}', array['a', 'b', 'c']) $$, 'allowed keys pass, whatever their values');
select lives_ok($$ select rental.require_patch('{}', array['a']) $$, 'no keys pass');
select throws_ok($$ select rental.require_patch('{"a": 1, "x": 1}', array['a']) $$, 'PT422', 'invalid', 'another key does not');
select is(
    (tests.error_of($$ select rental.require_patch('{"a": 1, "x": 1, "y": 1}', array['a']) $$) ->> 'hint')::jsonb,
    '{"x": "cannot be changed", "y": "cannot be changed"}'::jsonb,
    'and the hint names each');
select throws_ok($$ select rental.require_patch('[1]', array['a']) $$, 'PT400', 'bad_request', 'an array is no patch');
select throws_ok($$ select rental.require_patch('"a"', array['a']) $$, 'PT400', 'bad_request', 'a string is no patch');
select throws_ok($$ select rental.require_patch(null, array['a']) $$, 'PT400', 'bad_request', 'null is no patch');

select * from finish();
rollback;

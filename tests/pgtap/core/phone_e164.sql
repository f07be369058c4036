-- core.phone_e164: digits, with or without a plus.
begin;
select plan(25);

select lives_ok(format($$ select %L::core.phone_e164 $$, good), 'a number: ' || good)
  from unnest(array['+491701234567', '491701234567', '12', '+12', '+123456789012345', '+15551234567', '+442071234567', '19', '+81312345678', '999999999999999']) as good;
select throws_ok(format($$ select %L::core.phone_e164 $$, bad), '23514', null, 'no number: ' || quote_literal(bad))
  from unnest(array['', '+', '1', '0123456', '+0123', '++4912', '49-170', '49 170', '+1234567890123456', 'phone', E'4912\n', '+49(170)', '+1234٥', '١٢٣٤٥']) as bad;

-- where a database sorts by ICU, digits are those of every script
select is_empty(
    $$ select pg_get_constraintdef(c.oid) from pg_constraint as c where c.contypid in ('core.email'::regtype, 'core.phone_e164'::regtype) and pg_get_constraintdef(c.oid) ~ '\\[dws]' $$,
    'the rules name their characters, and mean the same in every database');

select * from finish();
rollback;

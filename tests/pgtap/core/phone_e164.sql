-- core.phone_e164: digits, with or without a plus.
begin;
select plan(22);

select lives_ok(format($$ select %L::core.phone_e164 $$, good), 'a number: ' || good)
  from unnest(array['+491701234567', '491701234567', '12', '+12', '+123456789012345', '+15551234567', '+442071234567', '19', '+81312345678', '999999999999999']) as good;
select throws_ok(format($$ select %L::core.phone_e164 $$, bad), '23514', null, 'no number: ' || quote_literal(bad))
  from unnest(array['', '+', '1', '0123456', '+0123', '++4912', '49-170', '49 170', '+1234567890123456', 'phone', E'4912\n', '+49(170)']) as bad;

select * from finish();
rollback;

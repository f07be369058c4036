-- core.normalize_phone: separators go, the number stays.
begin;
select plan(20);

select tests.act_as('app_user');
select is(core.normalize_phone(input.given), input.stored, 'normalised: ' || quote_literal(input.given))
  from (values
    ('+49 170 1234567', '+491701234567'), ('+49-170-1234567', '+491701234567'), ('0049 170 1234567', '+491701234567'), ('(555) 123-4567', '5551234567'),
    ('+1 (555) 123.4567', '+15551234567'), ('49/170/1234567', '491701234567'), ('+491701234567', '+491701234567')
  ) as input (given, stored);
select is(core.normalize_phone(bad), null, 'no number to normalise: ' || quote_literal(bad))
  from unnest(array['', '-', '0170 1234567', 'call me', '+49 170 1234567 x12', '+12345678901234567', '++49170', '00', '000491']) as bad;
select is(core.normalize_phone(null), null, 'no phone stays none');
select lives_ok($$ select core.normalize_phone('0049 170 1234567')::core.phone_e164 $$, 'what it returns can be stored');
select ok(
    (select bool_and(core.normalize_phone(core.normalize_phone(n)) = core.normalize_phone(n)) from unnest(array['0049 170 1234567', '+1 (555) 123.4567']) as n),
    'twice is once');
select is(core.normalize_phone(E'+49\t170\n1234567'), '+491701234567', 'any white space goes');

select * from finish();
rollback;

-- rental.require_onboarded: refuses with the step to go to.
begin;
select plan(7);

select tests.landlord('north'), tests.person('ann'), tests.person('stranger');
select tests.act_as('app_user', 'ann');
select rental.register_landlord('Ann Homes');

select throws_ok($$ select rental.require_onboarded() $$, 'PT403', 'forbidden', 'who has not finished is refused');
select is((tests.error_of($$ select rental.require_onboarded() $$) ->> 'hint')::jsonb, '{"onboarding_step": "company"}'::jsonb,
    'and sent to the next step');
select rental.complete_onboarding_step('company');
select is((tests.error_of($$ select rental.require_onboarded() $$) ->> 'hint')::jsonb, '{"onboarding_step": "first_property"}'::jsonb,
    'and to the one after that');
select tests.act_as('app_user', 'north');
select lives_ok($$ select rental.require_onboarded() $$, 'who has finished may go on');
select tests.act_as('app_user', 'stranger');
select throws_ok($$ select rental.require_onboarded() $$, 'PT403', 'forbidden', 'who has no profile is refused');
select is((tests.error_of($$ select rental.require_onboarded() $$) ->> 'hint')::jsonb, '{"onboarding_step": "account"}'::jsonb,
    'and sent to the beginning');
select tests.act_as('app_user');
select throws_ok($$ select rental.require_onboarded() $$, 'PT401', 'unauthenticated', 'nobody signed in is sent to the door');

select * from finish();
rollback;

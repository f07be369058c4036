-- core.require_user: the first gate.
begin;
select plan(2);

select tests.person('ann');
select tests.act_as('app_user');
select throws_ok($$ select core.require_user() $$, 'PT401', 'unauthenticated', 'nobody is signed in');
select tests.act_as('app_user', 'ann');
select is(core.require_user(), tests.id('ann'), 'somebody is');

select * from finish();
rollback;

-- core.accept_membership: only an invitation becomes a membership.
begin;
select plan(6);

select tests.tenant('north', 'crm', 'ann');
select tests.member('north', 'new', 'MEMBER', 'invited'), tests.member('north', 'dan', 'MEMBER', 'suspended'), tests.member('north', 'eve', 'MEMBER', 'removed');

select tests.act_as('app_user');
select throws_ok($$ select core.accept_membership(tests.id('north')) $$, 'PT401', 'unauthenticated', 'nobody accepts nothing');
select tests.act_as('app_user', 'new');
select results_eq($$ select status, joined_at from core.accept_membership(tests.id('north')) $$, $$ values ('active', now()) $$, 'the invited person joins');
select results_eq($$ select status, joined_at from core.accept_membership(tests.id('north')) $$, $$ values ('active', now()) $$, 'once');
select tests.act_as('app_user', 'dan');
select throws_ok($$ select core.accept_membership(tests.id('north')) $$, 'PT404', 'not_found', 'a suspended member does not come back this way');
select tests.act_as('app_user', 'eve');
select throws_ok($$ select core.accept_membership(tests.id('north')) $$, 'PT404', 'not_found', 'nor a removed one');
select tests.act_as_admin();
select results_eq(
    $$ select user_id, status from core.memberships where tenant_id = tests.id('north') and user_id <> tests.id('ann') order by status $$,
    $$ values (tests.id('new'), 'active'), (tests.id('eve'), 'removed'), (tests.id('dan'), 'suspended') $$,
    'the others are as they were');

select * from finish();
rollback;

-- core.has_feature: the tier decides, as long as the subscription stands.
begin;
select plan(14);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.tenant('west', 'crm', 'wim');
insert into core.subscriptions (tenant_id, system, tier_key, status) values (tests.id('north'), 'crm', 'STARTER', 'active'), (tests.id('south'), 'crm', 'FREE', 'active');

select tests.act_as('app_user', 'ann', 'north');
select is(core.has_feature('crm'), true, 'STARTER has crm');
select is(core.has_feature('no_such'), false, 'and nothing that does not exist');
select tests.act_as('app_user', 'sue', 'south');
select is(core.has_feature('crm'), false, 'FREE has not');
select tests.act_as('app_user', 'wim', 'west');
select is(core.has_feature('crm'), false, 'no subscription has nothing');
select tests.act_as('app_user', 'ann');
select is(core.has_feature('crm'), false, 'without a tenant there is no feature');

select tests.act_as_admin();
create function tests.with_subscription(p_status text, p_trial_ends_at timestamptz, p_period_end timestamptz) returns boolean
    language plpgsql
as $$
begin
    update core.subscriptions set status = p_status, trial_ends_at = p_trial_ends_at, current_period_end = p_period_end where tenant_id = tests.id('north');
    perform core.set_context(tests.id('ann'), tests.id('north'));
    return core.has_feature('crm');
end
$$;
select is(tests.with_subscription(state.status, state.trial_ends_at, state.period_end), state.expected, state.what)
  from (values
    ('trialing', now() + interval '1 day', null, true,  'a running trial has it'),
    ('trialing', now(),                    null, false, 'a trial that ends now has not'),
    ('trialing', null,                     null, false, 'nor one that never began'),
    ('active',   null,                     now() - interval '1 day', true, 'an active subscription has it'),
    ('past_due', null,                     now() - interval '1 day', true, 'while payment is chased it stays'),
    ('canceled', null,                     now() + interval '1 day', true, 'what was paid for stays to its end'),
    ('canceled', null,                     now(), false, 'and not longer'),
    ('canceled', null,                     null, false, 'or not at all'),
    ('expired',  now() + interval '1 day', now() + interval '1 day', false, 'an expired one has nothing')
  ) as state (status, trial_ends_at, period_end, expected, what);

select * from finish();
rollback;

-- core.may_enter: the rule of core.set_context, said once; each condition alone keeps a person out.
begin;
select plan(17);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('north', 'cat', 'MEMBER', 'invited');

create function tests.may(p_person text, p_tenant text default null) returns boolean
    language sql
return exists (select from core.may_enter(tests.id(p_person), tests.id(p_tenant)));

select ok(tests.may('bob', 'north'), 'an active member of an active tenant may enter');
select results_eq($$ select core.may_enter(tests.id('bob'), tests.id('north')) $$, $$ values (true) $$, 'which is one row');
select ok(tests.may('bob'), 'an active person may come without a tenant');
select ok(not tests.may('bob', 'south'), 'not into a foreign tenant');
select ok(not tests.may('bob', 'nowhere'), 'nor into an unknown one');
select ok(not tests.may('cat', 'north'), 'an invited person is no member yet');
select ok(not tests.may('nobody'), 'an unknown person may not');
select ok(not exists (select from core.may_enter(null, null)), 'nobody at all may not');
select ok(not exists (select from core.may_enter(null, tests.id('north'))), 'nor into a tenant');

select tests.member('north', 'bob', 'MEMBER', 'suspended');
select ok(not tests.may('bob', 'north'), 'a suspended member may not');
select ok(tests.may('bob'), 'but is still a person');
select tests.member('north', 'bob', 'MEMBER', 'active');

update core.users set is_active = false where id = tests.id('bob');
select ok(not tests.may('bob', 'north'), 'an inactive person may not, member or not');
update core.users set is_active = true where id = tests.id('bob');

update core.tenants set status = 'suspended' where id = tests.id('north');
select ok(not tests.may('bob', 'north'), 'nobody enters a suspended tenant');
update core.tenants set status = 'active', deleted_at = now() where id = tests.id('north');
select ok(not tests.may('bob', 'north'), 'nor a deleted one');
update core.tenants set deleted_at = null where id = tests.id('north');
select ok(tests.may('bob', 'north'), 'with everything put back the member may again');

select tests.act_as('app_definer');
select results_eq($$ select core.may_enter(tests.id('bob'), tests.id('north')) $$, $$ values (true) $$, 'definer functions ask');
select tests.act_as('app_user', 'bob', 'north');
select throws_ok($$ select core.may_enter(tests.id('ann'), tests.id('north')) $$, '42501', 'permission denied for function may_enter', 'application roles do not');

select * from finish();
rollback;

-- core.my_tenants: what a tenant chooser shows.
begin;
select plan(3);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'field', 'sue'), tests.tenant('west', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('south', 'bob', 'technician', 'invited'), tests.member('west', 'bob', 'MEMBER', 'removed');

select tests.act_as('app_user', 'bob', 'north');
select results_eq(
    $$ select name, system, slug, role_key, membership_status from core.my_tenants() $$,
    $$ values ('north', 'crm', 'north', 'MEMBER', 'active'), ('south', 'field', 'south', 'technician', 'invited') $$,
    'where bob belongs and where he is invited');
select tests.act_as('app_user', 'ann');
select results_eq($$ select name from core.my_tenants() $$, $$ values ('north') $$, 'ann belongs to north only');
select tests.act_as('app_user');
select is_empty($$ select from core.my_tenants() $$, 'nobody belongs nowhere');

select * from finish();
rollback;

-- core.caller_role: the role of the request, seen from inside a definer function.
begin;
select plan(3);

create function tests.who() returns text[]
    language sql security definer
return array[core.caller_role()::text, current_user::text];
alter function tests.who() owner to app_definer;

grant usage, create on schema tests to app_definer;
select tests.act_as('app_worker');
select is(tests.who(), array['app_worker', 'app_definer'], 'the role that was set, not the owner of the function');
select tests.act_as('app_user');
select is((tests.who())[1], 'app_user', 'whichever it is');
reset role;
select is((tests.who())[1], session_user::text, 'without SET ROLE the login');

select * from finish();
rollback;

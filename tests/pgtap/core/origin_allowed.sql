-- core.origin_allowed: only listed origins, per system.
begin;
select plan(9);

insert into core.allowed_origins (system, origin, is_active)
values ('field', 'https://example.test', true), ('field', 'https://app.example.test', true), ('field', 'https://old.example.test', false);

select tests.act_as('app_anon');
select is(core.origin_allowed('field', 'https://app.example.test'), true, 'a listed origin');
select is(core.origin_allowed('field', 'HTTPS://App.Example.Test'), true, 'in any case');
select is(core.origin_allowed('field', null), true, 'no origin is no browser');
select is(core.origin_allowed('field', 'https://evil.test'), false, 'an unknown one is refused');
select is(core.origin_allowed('crm', 'https://app.example.test'), false, 'one of another system too');
select is(core.origin_allowed('field', 'https://old.example.test'), false, 'and one that was switched off');
select is(core.origin_allowed('field', 'https://app.example.test.evil.test'), false, 'a prefix is not enough');
select tests.act_as_admin();
select throws_ok($$ insert into core.allowed_origins (system, origin) values ('field', 'https://example.test/path') $$, '23514', null, 'an origin has no path');
select throws_ok($$ insert into core.allowed_origins (system, origin) values ('field', 'https://Example.test') $$, '23514', null, 'and is written as browsers send it');

select * from finish();
rollback;

-- core.assert_settings: names what is missing and nothing else.
begin;
select plan(5);

delete from core.app_settings;
insert into core.app_settings (key, value, is_required, is_secret)
values ('site.name', 'Example', true, false), ('site.color', null, false, false), ('extension.plpgsql', null, true, false);
select tests.act_as('app_monitor');
select is_empty($$ select core.assert_settings() $$, 'nothing is missing');

select tests.act_as_admin();
insert into core.app_settings (key, value, is_required, is_secret)
values ('site.url', '', true, false), ('site.mail', null, true, false), ('extension.no_such', null, true, false), ('tests.secret', null, true, true);
select tests.act_as('app_monitor');
select results_eq($$ select core.assert_settings() $$, $$ values ('extension.no_such'), ('site.mail'), ('site.url'), ('tests.secret') $$, 'each missing one is named');
select set_config('tests.secret', 'whisper', true);
select results_eq($$ select core.assert_settings() $$, $$ values ('extension.no_such'), ('site.mail'), ('site.url') $$, 'a secret is found in the server''s settings');
select tests.act_as('app_user');
select throws_ok($$ select core.assert_settings() $$, '42501', 'permission denied for function assert_settings', 'not for application roles');
select tests.act_as_admin();
select throws_ok($$ update core.app_settings set value = 'whisper' where key = 'tests.secret' $$, '23514', null, 'a secret is never stored');

select * from finish();
rollback;

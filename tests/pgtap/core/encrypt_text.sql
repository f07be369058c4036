-- core.encrypt_text, core.decrypt_text: with pgcrypto and a key, and what is said without.
begin;
select plan(11);

select tests.tenant('north', 'crm', 'ann');
drop extension if exists pgcrypto;
select tests.act_as('app_user', 'ann', 'north');
select set_config('app.encryption_key', 'a key', true);
select throws_ok($$ select core.encrypt_text('x') $$, 'PT503', 'unavailable', 'without pgcrypto nothing is encrypted');
select throws_ok($$ select core.decrypt_text('\x00') $$, 'PT503', 'unavailable', 'or decrypted');

select tests.act_as_admin();
select exists (select from pg_available_extensions where name = 'pgcrypto') as has_pgcrypto \gset
\if :has_pgcrypto
create schema "The Extensions";
create extension pgcrypto schema "The Extensions";
grant usage on schema "The Extensions" to app_user;
grant execute on all functions in schema "The Extensions" to app_user;
select tests.act_as('app_user', 'ann', 'north');
select set_config('app.encryption_key', '', true);
select throws_ok($$ select core.encrypt_text('x') $$, 'PT503', 'unavailable', 'nor is it without a key');
select is(tests.error_of($$ select core.encrypt_text('x') $$) ->> 'hint', '{"setting": "app.encryption_key"}', 'the hint names the setting');
select set_config('app.encryption_key', 'a key', true);
select is(core.decrypt_text(core.encrypt_text('Grüße 漢字')), 'Grüße 漢字', 'what was encrypted comes back');
select is(core.decrypt_text(core.encrypt_text('')), '', 'nothing too');
select isnt(core.encrypt_text('x'), core.encrypt_text('x'), 'equal texts are not equal encrypted');
select is(core.encrypt_text(null), null, 'null stays null');
select is(core.decrypt_text(null), null, 'both ways');
create temporary table kept on commit drop as select core.encrypt_text('x') as value;
select set_config('app.encryption_key', 'another key', true);
select throws_ok($$ select core.decrypt_text(value) from kept $$, 'PT422', 'invalid', 'another key does not open it');
select set_config('app.encryption_key', 'a key', true);
select throws_ok($$ select core.decrypt_text(substr(value, 1, length(value) - 1)) from kept $$, 'PT422', 'invalid', 'nor the key what was damaged');
\else
select skip('pgcrypto is not on this server', 9);
\endif

select * from finish();
rollback;

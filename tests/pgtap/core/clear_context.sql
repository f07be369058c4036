-- core.clear_context: forgets everything a context holds.
begin;
select plan(3);

select tests.tenant('north', 'crm', 'ann');
select tests.act_as_admin();
select core.set_context(tests.id('ann'), tests.id('north'), 'request-1', '192.0.2.7');
set local role app_user;
select is(core.active_tenant_id(), tests.id('north'), 'the context is there before');
select core.clear_context();
select is(core.active_tenant_id(), null, 'and gone after');
select results_eq(
    $$ select name, current_setting(name, true) from unnest(array['app.user_id', 'app.tenant_id', 'app.request_id', 'app.client_ip', 'app.seal']) as name $$,
    $$ values ('app.user_id', ''), ('app.tenant_id', ''), ('app.request_id', ''), ('app.client_ip', ''), ('app.seal', '') $$,
    'with every setting of it');

select * from finish();
rollback;

-- core.client_ip: an address or nothing, never an error.
begin;
select plan(4);

select tests.act_as('app_anon');
select is(core.client_ip(), null, 'nothing was said');
select set_config('app.client_ip', '192.0.2.7', true);
select is(core.client_ip(), '192.0.2.7'::inet, 'an address is read');
select set_config('app.client_ip', '2001:db8::1', true);
select is(core.client_ip(), '2001:db8::1'::inet, 'of either family');
select set_config('app.client_ip', 'unknown, 192.0.2.7', true);
select is(core.client_ip(), null, 'anything else is nothing');

select * from finish();
rollback;

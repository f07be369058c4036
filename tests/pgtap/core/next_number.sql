-- core.next_number: counts per tenant and kind; what is rolled back is counted again.
begin;
select plan(15);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');

select tests.act_as('app_user', 'ann', 'north');
select is(core.next_number('job', 'JOB-'), 'JOB-000001', 'the first');
select is(core.next_number('job', 'JOB-'), 'JOB-000002', 'the second');
select is(core.next_number('invoice', 'INV-', 4), 'INV-0001', 'another kind counts by itself');
select tests.act_as('app_user', 'sue', 'south');
select is(core.next_number('job', 'JOB-'), 'JOB-000001', 'another tenant too');
select tests.act_as('app_user', 'ann', 'north');
savepoint undone;
select is(core.next_number('job', 'JOB-'), 'JOB-000003', 'the third');
rollback to undone;
select is(core.next_number('job', 'JOB-'), 'JOB-000003', 'is given again when the work was undone');
select is(core.next_number('plain'), '000001', 'a prefix is not needed');
reset role;
update core.tenant_sequences set last_value = 999999 where name = 'job' and tenant_id = tests.id('north');
set local role app_user;
select is(core.next_number('job', 'JOB-'), 'JOB-1000000', 'a number that outgrows its width stays whole');

select throws_ok(format($$ select core.next_number(%L, %L, %L) $$, input.name, input.prefix, input.width), 'PT400', 'bad_request', 'refused: ' || input.what)
  from (values ('no name', null, '', 6), ('a name with spaces', 'a b', '', 6), ('no prefix', 'job', null, 6), ('no width', 'job', '', 0), ('an endless width', 'job', '', 19))
    as input (what, name, prefix, width);
select tests.act_as('app_user', 'ann');
select throws_ok($$ select core.next_number('job', 'JOB-') $$, 'PT403', 'forbidden', 'without a tenant there are no numbers');
select tests.act_as('app_user');
select throws_ok($$ select core.next_number('job', 'JOB-') $$, 'PT401', 'unauthenticated', 'nor without a person');

select * from finish();
rollback;

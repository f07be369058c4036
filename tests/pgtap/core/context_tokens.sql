-- core.context_tokens: closed, and gone with the person or the tenant.
begin;
select plan(4);

select tests.tenant('north', 'crm', 'ann'), tests.person('bob'), tests.member('north', 'bob', 'MEMBER');
select core.issue_token(tests.id('bob'), tests.id('north')) is not null as issued;

select tests.act_as('app_user', 'bob', 'north');
select throws_ok($$ select from core.context_tokens $$, '42501', 'permission denied for table context_tokens', 'an application role cannot read tokens');
select throws_ok(
    $$ insert into core.context_tokens (token_hash, user_id, expires_at) values (sha256('mine'), tests.id('ann'), now() + interval '1 hour') $$,
    '42501', 'permission denied for table context_tokens', 'nor plant one');
select tests.act_as_admin();
select results_eq($$ select count(*) from core.context_tokens $$, $$ values (1::bigint) $$, 'the issued one is there');
delete from core.users where id = tests.id('bob');
select results_eq($$ select count(*) from core.context_tokens $$, $$ values (0::bigint) $$, 'and goes with its person');

select * from finish();
rollback;

-- core.purge_rate_limits: idle keys go, counted ones stay.
begin;
select plan(5);

insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds) values ('two', 'user', 2, 3600);
insert into core.rate_limits (policy, key, max_requests, updated_at)
values ('two', 'fresh', 2, now()), ('two', 'resting', 2, now() - interval '119 minutes'), ('two', 'idle', 2, now() - interval '121 minutes'),
       ('two', 'long idle', 2, now() - interval '1 day'), ('gone', 'k', 2, now());
insert into core.rate_limit_violations (policy, key, retry_after, created_at)
values ('two', 'recent', 1, now() - interval '29 days'), ('two', 'old', 1, now() - interval '31 days');

select tests.act_as('app_definer');
select is(core.purge_rate_limits(1), 1, 'no more than asked for');
select is(core.purge_rate_limits(), 2, 'the rest');
select is(core.purge_rate_limits(), 0, 'a second run finds nothing');
select results_eq($$ select key collate "C" from core.rate_limits order by 1 $$, $$ values ('fresh' collate "C"), ('resting') $$, 'keys in use and their windows stay');
select results_eq($$ select key from core.rate_limit_violations $$, $$ values ('recent') $$, 'violations stay for 30 days');

select * from finish();
rollback;

-- core.run_cron: runs one body, logs it, and is for whoever migrates.
begin;
select plan(25);

create function core.told(p_what text) returns text language plpgsql as $fn$
begin
    if p_what = 'fail' then
        insert into core.error_events (action, message) values ('told', 'undone');
        raise exception 'told to fail' using errcode = 'PT500';
    end if;
    return p_what;
end $fn$;
grant execute on function core.told(text) to app_definer;
select core.put_cron_job('says-seven', '* * * * *', 'select core.told(''7'')', 'core');
select core.put_cron_job('says-hello', '* * * * *', 'select core.told(''hello'')', 'core');
create function core.lines() returns table (a text, b integer) language sql as $$ values ('one', 1), ('two', 2) $$;
grant execute on function core.lines() to app_definer;
select core.put_cron_job('says-more', '0 0 1 1 *', 'select core.lines()', 'core');
create function core.parts(p_error text) returns table (part text, error text) language sql as $$
    select v.part, case v.part when 'b' then p_error end from (values ('a'), ('b'), ('c')) as v (part) where p_error is not null or v.part <> 'c' $$;
create function core.no_lines() returns setof text language sql as $$ select 'x' where false $$;
create function core.no_value() returns void language sql as $$ select $$;
grant execute on function core.parts(text), core.no_lines(), core.no_value() to app_definer;
select core.put_cron_job('says-parts', '0 0 1 1 *', 'select core.parts(''no such place'')', 'core');
select core.put_cron_job('says-fine', '0 0 1 1 *', 'select core.parts(null)', 'core');
select core.put_cron_job('says-nothing', '0 0 1 1 *', 'select core.no_lines()', 'core');
select core.put_cron_job('says-void', '0 0 1 1 *', 'select core.no_value()', 'core');
select core.put_cron_job('fails', '* * * * *', 'select core.told(''fail'')', 'core');
select core.put_cron_job('absent', '* * * * *', 'select core.not_there()', 'core');
select core.put_cron_job('bare', '* * * * *', 'vacuum core.users', 'core', '', 'bare');

select tests.act_as('dbkit_migrator');
select results_eq($$ select name, ok, rows_affected, message from core.run_cron('says-seven') $$, $$ values ('says-seven', true, 7::bigint, '7') $$, 'a number a body returns is its rows');
select results_eq($$ select name, ok, rows_affected, message from core.run_cron('says-hello') $$, $$ values ('says-hello', true, null::bigint, 'hello') $$, 'other words are kept as they are');
select results_eq($$ select name, ok, rows_affected, message from core.run_cron('fails') $$, $$ values ('fails', false, null::bigint, 'PT500 told to fail') $$, 'a failure is an answer, not an error');
select tests.act_as_admin();
select is_empty($$ select from core.error_events where action = 'told' $$, 'what a failed body wrote is undone');
select results_eq($$ select name, ok, finished_at >= started_at from core.cron_runs order by id $$, $$ values ('says-seven', true, true), ('says-hello', true, true), ('fails', false, true) $$, 'each run is logged');

-- a slot is run once
select tests.act_as('dbkit_migrator');
select is((core.run_cron('says-seven', now() - interval '1 minute')).id, null, 'a slot that a run began after is done');
select is((core.run_cron('says-seven', clock_timestamp())).ok, true, 'a newer slot is not');
select is((core.run_cron('says-seven')).ok, true, 'and without a slot it runs each time');
select results_eq($$ select count(*) from core.cron_runs where name = 'says-seven' $$, $$ values (3::bigint) $$, 'which makes three');

select is((core.run_cron('says-more')).message, e'(one,1)\n(two,2)', 'every row of a body is kept');

-- a body that goes on after a part of it failed
select results_eq($$ select ok, rows_affected, message from core.run_cron('says-parts') $$, $$ values (false, null::bigint, e'(b,"no such place")\n(a,)\n(c,)') $$, 'a body that names an error in a row has failed, and the error is told first');
select results_eq($$ select ok, message from core.run_cron('says-fine') $$, $$ values (true, e'(a,)\n(b,)') $$, 'one that names none has not');
select results_eq($$ select ok, message from core.run_cron('says-nothing') $$, $$ values (true, null) $$, 'nor one without rows');
select results_eq($$ select ok, message from core.run_cron('says-void') $$, $$ values (true, null) $$, 'nor one that returns nothing at all');
select is(core.probe_cron_failures(5), 2::double precision, 'the probe of the alert counts both ways to fail');
select results_eq($$ select name::text from core.cron_status where last_ok = false order by name collate "C" $$, $$ values ('fails'), ('says-parts') $$, 'which are these');

-- what cannot run
select throws_ok($$ select core.run_cron('nothing') $$, 'PT404', 'not_found', 'an unknown job is refused');
select throws_ok($$ select core.run_cron(null) $$, 'PT404', 'not_found', 'and so is none');
select throws_ok($$ select core.run_cron('bare') $$, 'PT422', 'invalid', 'VACUUM does not run inside a function');
select is(tests.error_of($$ select core.run_cron('absent') $$) ->> 'hint', '{"function": "core.not_there"}', 'a function that is missing is named');
select throws_ok($$ select core.run_cron('absent') $$, 'PT503', 'unavailable', 'with the code of a missing part');

-- who may
select tests.act_as('app_user');
select throws_ok($$ select core.run_cron('says-seven') $$, '42501', 'permission denied for function run_cron', 'not an application');
select tests.act_as('app_worker');
select throws_ok($$ select core.run_cron('says-seven') $$, '42501', 'permission denied for function run_cron', 'not a worker');
select tests.act_as('app_monitor');
select throws_ok($$ select core.run_cron('says-seven') $$, '42501', 'permission denied for function run_cron', 'not monitoring');
select isnt_empty($$ select from core.cron_runs where name = 'says-seven' $$, 'which sees that it ran');

select * from finish();
rollback;

begin;

select plan(18);

create function pg_temp.months() returns setof text
    language sql
as $fn$
    select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'core.audit_log'::regclass order by 1
$fn$;

select results_eq(
    'select pg_temp.months()',
    $$ select 'audit_log_' || to_char(m, 'YYYY_MM')
         from generate_series(date_trunc('month', now() at time zone 'UTC'), date_trunc('month', now() at time zone 'UTC') + interval '3 months', '1 month') m
        union all select 'audit_log_default' order by 1 $$,
    'the seed made this month and the next three');
select is_empty('select core.audit_partitions()', 'a second run has nothing to do');
select results_eq(
    'select action, count(*)::integer from core.audit_partitions(5) group by action', $$ values ('created', 2) $$, 'more months can be asked for');

-- entries of a month without a partition: nothing is refused, and they move
insert into core.audit_log (action, entity_type, entity_id, created_at)
values ('insert', 'a.b', '1', now() + interval '3 years'), ('insert', 'a.b', '2', now() - interval '40 days');
select results_eq(
    $$ select l.entity_id collate "default", l.tableoid::regclass::text from core.audit_log l where l.entity_type = 'a.b' order by 1 $$,
    $$ values ('1', 'core.audit_log_default'), ('2', 'core.audit_log_default') $$, 'an entry of a month without a partition goes to the default');
create temp table before as select l.* from core.audit_log l;
select results_eq(
    'select action, count(*)::integer from core.audit_partitions() where action = ''emptied'' group by action', $$ values ('emptied', 1) $$, 'the default is emptied');
select set_eq('select * from core.audit_log', 'select * from before', 'and every entry is as it was');
select is(
    (select l.tableoid::regclass::text from core.audit_log l where l.entity_id = '2' and l.entity_type = 'a.b'),
    'core.audit_log_' || to_char((now() - interval '40 days') at time zone 'UTC', 'YYYY_MM'), 'an old one in the month it belongs to');
select is_empty('select core.audit_partitions()', 'what belongs to no month yet is left alone');
select is(to_regclass('core.audit_log_strays'), null, 'nothing is left aside');
select is(
    (select obj_description('core.audit_log_default'::regclass)), 'Rows of months that have no partition yet; core.audit_partitions moves them.',
    'the new default partition is like the old one');

-- what guards them
select is_empty(
    $$ select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'core.audit_log'::regclass and not (c.relrowsecurity and c.relforcerowsecurity) $$,
    'every partition has row security, forced');
select throws_ok(format('truncate core.%I', (select min(m) from pg_temp.months() m)), 'PT403', 'forbidden', 'none can be truncated');
select throws_ok('update core.audit_log set action = action', 'PT403', 'forbidden', 'or updated');
select is_empty(
    $$ select r.name, p.name, m from unnest(array['app_user', 'app_owner', 'app_definer']) r (name), unnest(array['update', 'delete', 'truncate']) p (name), pg_temp.months() m
        where has_table_privilege(r.name, 'core.' || m, p.name) $$, 'and nobody has the right to');
select is_empty(
    $$ select m from pg_temp.months() m where has_table_privilege('app_user', 'core.' || m, 'select') $$, 'application roles read the parent only');

-- retention
update core.app_settings set value = '1 month' where key = 'audit.keep';
insert into core.audit_log (action, entity_type, entity_id, created_at) values ('insert', 'a.c', '1', now() - interval '90 days');
select core.audit_partitions();
select is_empty($$ select from core.audit_log where entity_type = 'a.c' $$, 'a month that ended longer ago than audit.keep is dropped');
select isnt_empty($$ select from core.audit_log where entity_type = 'core.users' union all select from core.audit_log where entity_type = 'a.b' $$, 'younger ones stay');
select throws_ok('select core.audit_partitions(-1)', 'PT400', 'bad_request', 'a negative number of months is refused');

select * from finish();
rollback;

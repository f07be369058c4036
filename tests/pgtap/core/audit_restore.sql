begin;

select plan(24);

select tests.landlord('north'), tests.landlord('south');
select tests.unit('north', 'loft');

-- Runs the statement as whoever asks, so that it stands under their rights.
create function pg_temp.run(p_entry bigint, p_id uuid default tests.id('loft'), p_type text default 'rental.units') returns integer
    language plpgsql
as $fn$
declare
    v_plan record;
    v_rows integer;
begin
    select * into v_plan from core.audit_restore(p_type, p_id::text, p_entry);
    if v_plan.statement is null then
        return null;
    end if;
    execute v_plan.statement using v_plan.parameters;
    get diagnostics v_rows = row_count;
    return v_rows;
end
$fn$;
create function pg_temp.entry(p_n integer) returns bigint
    language sql
as $fn$
    select l.id from core.audit_log l where l.entity_type = 'rental.units' and l.entity_id = tests.id('loft')::text order by l.id offset p_n - 1 limit 1
$fn$;
create function pg_temp.unit() returns text
    language sql
as $fn$
    select concat_ws(' ', u.name, u.city) from rental.units u where u.id = tests.id('loft')
$fn$;

select tests.act_as('app_user', 'north', 'north');
update rental.units set name = 'Loft B' where id = tests.id('loft');
update rental.units set name = 'Loft C', city = 'Shelbyville' where id = tests.id('loft');
select is(pg_temp.unit(), 'Loft C Shelbyville', 'a unit has a history of three entries');

select matches(
    (select r.statement from core.audit_restore('rental.units', tests.id('loft')::text, pg_temp.entry(2)) r), '^update rental\.units as t set city = r\.city, name = r\.name|^update rental\.units as t set name = r\.name, city = r\.city',
    'the way back is an update of what changed');
select results_eq(
    $$ select r.parameters from core.audit_restore('rental.units', tests.id('loft')::text, pg_temp.entry(2)) r $$,
    $$ select jsonb_build_object('owner_user_id', tests.id('north'), 'id', tests.id('loft'), 'name', 'Loft B', 'city', 'Springfield') $$,
    'with the values of then');
select is(pg_temp.unit(), 'Loft C Shelbyville', 'asking for it changes nothing');
select is(pg_temp.run(pg_temp.entry(2)), 1, 'running it changes one row');
select is(pg_temp.unit(), 'Loft B Springfield', 'which is as it was');
select is((select max(l.action) from core.audit_log l where l.id = pg_temp.entry(4)), 'update', 'and the log has it');
select is(pg_temp.run(pg_temp.entry(1)), 1, 'further back');
select is(pg_temp.unit(), 'loft Springfield', 'to the first state');
select is_empty(
    $$ select from core.audit_restore('rental.units', tests.id('loft')::text, pg_temp.entry(5)) $$, 'the newest state needs nothing');

delete from rental.units where id = tests.id('loft');
select is(pg_temp.unit(), null, 'a deleted unit');
select throws_ok(
    $$ select pg_temp.run(pg_temp.entry(3)) $$, '42501', 'permission denied for table units',
    'which app_user, who may not choose an id, cannot bring back: the statement has no rights of its own');
select tests.act_as('app_definer', 'north', 'north');
select is(pg_temp.run(pg_temp.entry(3)), 1, 'is inserted by a role that may');
select is(pg_temp.unit(), 'Loft C Shelbyville', 'as it was then');

select tests.act_as('app_user', 'north', 'north');
select is(pg_temp.run(0), 1, 'before its first entry there was none: a delete');
select is(pg_temp.unit(), null, 'gone');
select is_empty($$ select from core.audit_restore('rental.units', tests.id('loft')::text, 0) $$, 'and nothing is left to do');

-- who may ask
select throws_ok($$ select core.audit_restore('rental.units', tests.id('loft')::text, 999999999) $$, 'PT404', 'not_found', 'an entry that does not exist is not found');
select throws_ok($$ select core.audit_restore('pg_catalog.pg_class', '1', 0) $$, 'PT404', 'not_found', 'nor an entity that is not audited');
select set_config('tests.entry', pg_temp.entry(2)::text, true);
select tests.act_as('app_user', 'south', 'south');
select throws_ok(
    $$ select core.audit_restore('rental.units', tests.id('loft')::text, current_setting('tests.entry')::bigint) $$, 'PT404', 'not_found',
    'another landlord does not find it');
select tests.act_as('app_user', 'north', 'north');
select lives_ok(
    $$ select core.audit_restore('rental.units', tests.id('loft')::text, current_setting('tests.entry')::bigint) $$, 'its own landlord does');
select tests.act_as('app_renter');
select throws_ok($$ select core.audit_restore('rental.units', 'x', 0) $$, '42501', null, 'a renter may not ask');

-- keys of several columns, values that were redacted, columns that are gone
select tests.act_as_admin();
create schema zoo;
grant usage, create on schema zoo to app_definer;
create table zoo.pairs (tenant_id uuid, a text, b integer, secret text, gone text, kept numeric, total numeric generated always as (kept * 2) stored,
    primary key (tenant_id, a, b));
grant select on zoo.pairs to app_definer;
select core.attach_audit('zoo.pairs', 'core.audit_log', 'tenant_id', '{secret}');
insert into zoo.pairs values (tests.id('north'), 'x/y', 1, 's', 'g', 1.5);
update zoo.pairs set secret = 't', gone = 'h', kept = 2;
delete from zoo.pairs;
alter table zoo.pairs drop column gone;
select core.attach_audit('zoo.pairs', 'core.audit_log', 'tenant_id', '{secret}');
select core.set_context(tests.id('north'), tests.id('north'));
select results_eq(
    $$ select r.parameters, r.skipped from core.audit_restore('zoo.pairs', '["x/y", 1]', (select min(id) from core.audit_log where entity_type = 'zoo.pairs')) r $$,
    $$ select jsonb_build_object('tenant_id', tests.id('north'), 'a', 'x/y', 'b', 1, 'kept', 1.5), '{gone,secret}'::text[] $$,
    'redacted and dropped columns are named, not invented');
do $do$
declare
    r record;
begin
    select * into r from core.audit_restore('zoo.pairs', '["x/y", 1]', (select min(id) from core.audit_log where entity_type = 'zoo.pairs'));
    execute r.statement using r.parameters;
end
$do$;
select results_eq('select a, b, secret, kept, total from zoo.pairs', $$ values ('x/y', 1, null::text, 1.5, 3.0) $$, 'the rest comes back, generated columns by themselves');

select * from finish();
rollback;

-- What the generated triggers record, on a table of awkward columns; the shipped tables are in audited_tables.sql.
begin;

select plan(60);

create schema zoo;
grant usage, create on schema zoo to app_definer;
create table zoo.animals (
    tenant_id  uuid not null,
    id         integer not null,
    name       text,
    label      name,
    weight     numeric,
    price      numeric(10, 2),
    traits     json,
    tags       text[],
    secret     text,
    seen_at    timestamptz,
    "odd %s""" text,
    updated_at timestamptz default now(),
    version    integer default 0,
    primary key (tenant_id, id)
);
grant select on zoo.animals to app_definer;

create function pg_temp.entries(out entry text) returns setof text
    language sql
as $fn$
    select concat_ws(' ', l.action, l.entity_id, coalesce(l.old_values::text, '-'), coalesce(l.new_values::text, '-'), l.changed_columns::text)
      from core.audit_log as l
     where l.entity_type = 'zoo.animals'
       and l.id > coalesce(nullif(current_setting('tests.after', true), '')::bigint, 0)
     order by l.id
$fn$;
-- Forget what was recorded so far: the log itself cannot be emptied.
create function pg_temp.forget() returns void
    language sql
as $fn$
    select set_config('tests.after', coalesce(max(l.id), 0)::text, true) from core.audit_log as l
$fn$;

select lives_ok($$ select core.attach_audit('zoo.animals', 'core.audit_log', 'tenant_id', '{secret}', '{seen_at}') $$, 'a table is attached');
select lives_ok($$ select core.attach_audit('zoo.animals', 'core.audit_log', 'tenant_id', '{secret}', '{seen_at}') $$, 'a second time changes nothing');
select is(
    (select count(*)::integer from pg_trigger where tgrelid = 'zoo.animals'::regclass and not tgisinternal), 4,
    'one trigger each for insert, update, delete and truncate');
select results_eq(
    $$ select target, tenant_column, redacted, ignored, is_complete from core.audited_tables where entity_type = 'zoo.animals' $$,
    $$ values ('core.audit_log', 'tenant_id', '{secret}'::text[], '{seen_at,updated_at,version}'::text[], true) $$,
    'core.audited_tables tells how it is audited');
select function_owner_is('zoo', 'tg_audit_animals', '{}', 'app_definer', 'the trigger function writes the log as app_definer');
select ok(not has_function_privilege('app_user', 'zoo.tg_audit_animals()', 'execute'), 'and nobody else may call it');

-- insert
insert into zoo.animals (tenant_id, id, name, secret) values (tests.id('north'), 1, 'ape', 's3cret'), (tests.id('north'), 2, 'bee', null);
select results_eq(
    $$ select l.tenant_id, l.action::text, l.entity_id collate "default", l.old_values, l.new_values ->> 'name', l.new_values ->> 'secret', l.changed_columns
         from core.audit_log l where l.entity_type = 'zoo.animals' order by l.id $$,
    $$ values (tests.id('north'), 'insert', '1', null::jsonb, 'ape', '[redacted]', null::text[]),
              (tests.id('north'), 'insert', '2', null::jsonb, 'bee', '[redacted]', null::text[]) $$,
    'an insert of two rows is two entries with the whole row, the secret redacted whether it was there or not');
select is(
    (select array_agg(k order by k) from core.audit_log l, jsonb_object_keys(l.new_values) k where l.entity_type = 'zoo.animals' and l.entity_id = '1'),
    (select array_agg(c::text order by c::text) from unnest(core.audit_columns('zoo.animals')) c), 'with every column');

-- update
select pg_temp.forget();
update zoo.animals set name = name, updated_at = clock_timestamp(), version = version + 1;
update zoo.animals set seen_at = now();
select is_empty('select pg_temp.entries()', 'an update that changes nothing, only bookkeeping or an ignored column writes nothing');
update zoo.animals set name = 'ant', "odd %s""" = 'x', seen_at = now() + interval '1 day', version = 7 where id = 1;
select results_eq(
    'select pg_temp.entries()',
    $$ values ('update 1 {"name": "ape", "odd %s\"": null} {"name": "ant", "odd %s\"": "x"} {name,"odd %s\""}') $$,
    'an update records the changed columns, before and after, and not the ignored ones');
select pg_temp.forget();
update zoo.animals set name = null where id = 1;
select results_eq('select pg_temp.entries()', $$ values ('update 1 {"name": "ant"} {"name": null} {name}') $$, 'a value set to null is a change');
select pg_temp.forget();
update zoo.animals set secret = 'changed' where id = 1;
select results_eq(
    'select pg_temp.entries()', $$ values ('update 1 {"secret": "[redacted]"} {"secret": "[redacted]"} {secret}') $$,
    'of a secret the log knows only that it changed');
select pg_temp.forget();
update zoo.animals set weight = 1.0, price = 1, traits = '{"a": 1}', label = 'l', tags = '{t}' where id = 1;
select pg_temp.forget();
update zoo.animals set weight = 1.00, price = 1.00, traits = '{"a": 1}', label = 'l', tags = '{t}' where id = 1;
select results_eq(
    'select pg_temp.entries()', $$ values ('update 1 {"weight": 1.0} {"weight": 1.00} {weight}') $$,
    'equal numbers written differently are a change where the type keeps the difference, and json without equality is compared');
select pg_temp.forget();
update zoo.animals set traits = '{"a":1}' where id = 1;
select is((select count(*)::integer from pg_temp.entries()), 1, 'json that reads differently is a change');

-- key
select pg_temp.forget();
update zoo.animals set id = id + 10 where id = 2;
select results_eq(
    'select split_part(entry, '' '', 1) || split_part(entry, '' '', 2) from pg_temp.entries() order by 1', $$ values ('delete2'), ('insert12') $$,
    'when a key changes one entity ends and another begins');
select ok(not exists (select from pg_temp.entries() as e where e.entry like '%s3cret%' or e.entry like '%changed%'), 'with the secret redacted in both');
update zoo.animals set id = 2 where id = 12;

-- on conflict, merge (through its parts), cascade, copy
select pg_temp.forget();
insert into zoo.animals (tenant_id, id, name) values (tests.id('north'), 1, 'auk'), (tests.id('north'), 3, 'cat')
    on conflict (tenant_id, id) do update set name = excluded.name;
select results_eq(
    $$ select split_part(entry, ' ', 1) || split_part(entry, ' ', 2) from pg_temp.entries() order by 1 $$, $$ values ('insert3'), ('update1') $$,
    'ON CONFLICT DO UPDATE records the row inserted and the row updated');
select pg_temp.forget();
insert into zoo.animals (tenant_id, id, name) values (tests.id('north'), 1, 'auk') on conflict do nothing;
select is_empty('select pg_temp.entries()', 'ON CONFLICT DO NOTHING that does nothing writes nothing');
select lives_ok(
    $$ merge into zoo.animals as a
       using (values (1, 'axolotl'), (3, null), (4, 'dog')) as v (id, name) on a.tenant_id = tests.id('north') and a.id = v.id
        when matched and v.name is null then delete
        when matched then update set name = v.name
        when not matched then insert (tenant_id, id, name) values (tests.id('north'), v.id, v.name) $$,
    'MERGE runs');
select results_eq(
    $$ select split_part(entry, ' ', 1) || split_part(entry, ' ', 2) from pg_temp.entries() order by 1 $$,
    $$ values ('delete3'), ('insert4'), ('update1') $$, 'MERGE records each of its actions');

create table zoo.meals (tenant_id uuid, id integer, animal_id integer, primary key (tenant_id, id),
    foreign key (tenant_id, animal_id) references zoo.animals on delete cascade);
create table zoo.visits (tenant_id uuid, id integer, animal_id integer, primary key (tenant_id, id),
    foreign key (tenant_id, animal_id) references zoo.animals on delete set null (animal_id));
grant select on zoo.meals, zoo.visits to app_definer;
select core.attach_audit('zoo.meals', 'core.audit_log', 'tenant_id'), core.attach_audit('zoo.visits', 'core.audit_log', 'tenant_id');
insert into zoo.meals select tests.id('north'), g, case when g <= 2 then 1 else 2 end from generate_series(1, 3) g;
insert into zoo.visits values (tests.id('north'), 1, 1);
select pg_temp.forget();
delete from zoo.animals where id in (1, 2);
select results_eq(
    $$ select (l.entity_type || ' ' || l.action || ' ' || l.entity_id) collate "default" from core.audit_log l where l.id > current_setting('tests.after')::bigint
        order by 1 $$,
    $$ values ('zoo.animals delete 1'), ('zoo.animals delete 2'), ('zoo.meals delete 1'), ('zoo.meals delete 2'), ('zoo.meals delete 3'),
              ('zoo.visits update 1') $$,
    'a delete records what it cascades to, and references set to null');

-- truncate
select pg_temp.forget();
insert into zoo.animals (tenant_id, id, name, secret) values (tests.id('south'), 1, 'emu', 's3cret');
select pg_temp.forget();
truncate zoo.animals cascade;
select results_eq(
    $$ select l.tenant_id, l.action::text, l.entity_id collate "default", l.old_values ->> 'secret' from core.audit_log l
        where l.entity_type = 'zoo.animals' and l.id > current_setting('tests.after')::bigint order by l.entity_id $$,
    $$ values (tests.id('south'), 'truncate', '1', '[redacted]'), (tests.id('north'), 'truncate', '4', '[redacted]') $$,
    'TRUNCATE records every row it removes, redacted');
select is(
    (select count(*)::integer from core.audit_log l where l.entity_type = 'zoo.visits' and l.action = 'truncate'), 1,
    'and those of the tables it cascades to');

-- context
insert into core.tenants (id, system, name, owner_user_id) values (tests.id('north'), 'crm', 'north', tests.person('ann'));
select tests.member('north', 'ann', 'OWNER');
select pg_temp.forget();
select core.set_context(tests.id('ann'), tests.id('north'), 'request-7');
insert into zoo.animals (tenant_id, id) values (tests.id('north'), 5);
select is(
    (select row(l.user_id, l.request_id, l.db_role, l.created_at, l.transaction_id)::text
       from core.audit_log l where l.id > current_setting('tests.after')::bigint),
    row(tests.id('ann'), 'request-7', session_user, now(), (pg_current_xact_id()::text)::bigint)::text,
    'an entry carries person, request, login, time and transaction');
select core.clear_context();
select pg_temp.forget();
insert into zoo.animals (tenant_id, id) values (tests.id('north'), 6);
select results_eq(
    $$ select l.user_id, l.request_id from core.audit_log l where l.id > current_setting('tests.after')::bigint $$,
    $$ values (null::uuid, null::text) $$, 'without a context nobody is named');
-- bulk and rollback
select pg_temp.forget();
insert into zoo.animals (tenant_id, id) select tests.id('north'), g from generate_series(101, 150) g;
update zoo.animals set name = 'n' where id > 100;
select results_eq(
    $$ select l.action::text, count(*)::integer from core.audit_log l where l.id > current_setting('tests.after')::bigint group by 1 order by 1 $$,
    $$ values ('insert', 50), ('update', 50) $$, 'a bulk of 50 is 50 entries');
select pg_temp.forget();
savepoint s;
update zoo.animals set name = 'm' where id > 100;
rollback to s;
select is_empty('select pg_temp.entries()', 'a rollback leaves no entry');

-- one row is compared step by step, many are in one query
insert into zoo.animals (tenant_id, id, name, weight, traits, secret)
select tests.id('north'), g, 'n', 1.0, '{"a": 1}', 's3cret' from generate_series(201, 203) g;
select pg_temp.forget();
update zoo.animals
   set name = null, label = 'l', weight = 1.00, price = 2, traits = '{"a":1}', tags = '{t}', secret = null, seen_at = now(), "odd %s""" = 'x'
 where id = 201;
select results_eq(
    'select pg_temp.entries()',
    $$ values ('update 201 {"name": "n", "tags": null, "label": null, "price": null, "secret": "[redacted]", "traits": {"a": 1}, "weight": 1.0, "odd %s\"": null}'
               ' {"name": null, "tags": ["t"], "label": "l", "price": 2.00, "secret": "[redacted]", "traits": {"a": 1}, "weight": 1.00, "odd %s\"": "x"}'
               ' {label,name,"odd %s\"",price,secret,tags,traits,weight}') $$,
    'one row of every change there is');
update zoo.animals
   set name = null, label = 'l', weight = 1.00, price = 2, traits = '{"a":1}', tags = '{t}', secret = null, seen_at = now(), "odd %s""" = 'x'
 where id in (202, 203);
select results_eq(
    $$ select count(*), count(distinct regexp_replace(entry, '\d+', '')) from pg_temp.entries() $$, $$ values (3::bigint, 1::bigint) $$,
    'many are recorded like one');
select pg_temp.forget();
update zoo.animals set id = id + 1000 where id in (202, 203);
select results_eq(
    $$ select split_part(entry, ' ', 1) || split_part(entry, ' ', 2) from pg_temp.entries() order by 1 $$,
    $$ values ('delete202'), ('delete203'), ('insert1202'), ('insert1203') $$, 'and so are keys that change');
update zoo.animals set name = 'x' where id = 0;
select is((select count(*)::integer from pg_temp.entries()), 4, 'an update that finds no row is no entry');

-- a type that changes while the session has the trigger at hand
alter table zoo.animals alter tags type text using tags[1];
select pg_temp.forget();
update zoo.animals set tags = 'u' where id = 201;
select core.attach_audit('zoo.animals', 'core.audit_log', 'tenant_id', '{secret}', '{seen_at}');
update zoo.animals set tags = 'v' where id = 201;
select results_eq(
    'select pg_temp.entries()',
    $$ values ('update 201 {"tags": "t"} {"tags": "u"} {tags}'), ('update 201 {"tags": "u"} {"tags": "v"} {tags}') $$,
    'a column whose type changes is recorded before and after attaching again');

-- columns that come later
select pg_temp.forget();
alter table zoo.animals add column mood text;
update zoo.animals set mood = 'good', secret = 'new', name = 'k', seen_at = now() where id = 150;
select results_eq(
    'select pg_temp.entries()',
    $$ values ('update 150 {"mood": null, "name": "n", "secret": "[redacted]"} {"mood": "good", "name": "k", "secret": "[redacted]"} {mood,name,secret}') $$,
    'a column added later is recorded at once, and what was redacted or ignored stays so');
select pg_temp.forget();
update zoo.animals set mood = mood, version = 9 where id = 150;
select is_empty('select pg_temp.entries()', 'and no change stays no change');
select is((select is_complete from core.audited_tables where entity_type = 'zoo.animals'), false, 'core.audited_tables tells that the trigger is behind');
select core.attach_audit('zoo.animals', 'core.audit_log', 'tenant_id', '{secret,mood}', '{seen_at}');
select is((select is_complete from core.audited_tables where entity_type = 'zoo.animals'), true, 'attaching again catches up');
update zoo.animals set mood = 'bad' where id = 150;
select results_eq('select pg_temp.entries()', $$ values ('update 150 {"mood": "[redacted]"} {"mood": "[redacted]"} {mood}') $$, 'with the new redaction');
alter table zoo.animals disable trigger _900_audit_delete;
select is((select is_complete from core.audited_tables where entity_type = 'zoo.animals'), false, 'a disabled trigger shows');

-- partitions
create table zoo.events (tenant_id uuid, id integer, note text, primary key (tenant_id, id)) partition by hash (id);
create table zoo.events_0 partition of zoo.events for values with (modulus 2, remainder 0);
create table zoo.events_1 partition of zoo.events for values with (modulus 2, remainder 1);
grant select on zoo.events to app_definer;
select core.attach_audit('zoo.events', 'core.audit_log', 'tenant_id');
insert into zoo.events select tests.id('north'), g from generate_series(1, 20) g;
insert into zoo.events_0 select tests.id('north'), g from generate_series(21, 100) g where satisfies_hash_partition('zoo.events'::regclass, 2, 0, g) limit 3;
update zoo.events set note = 'n' where id <= 20;
select results_eq(
    $$ select l.action::text, count(*)::integer from core.audit_log l where l.entity_type = 'zoo.events' group by 1 order by 1 $$,
    $$ values ('insert', 23), ('update', 20) $$, 'a partitioned table is recorded once, through its parent and through a partition');
select pg_temp.forget();
truncate zoo.events;
select is((select count(*)::integer from core.audit_log l where l.entity_type = 'zoo.events' and l.action = 'truncate'), 23, 'TRUNCATE records each row once');

create table zoo.lots (tenant_id uuid, id integer, near text, far text, primary key (tenant_id, id)) partition by list (id);
create table zoo.lots_1 (far text, near text, id integer not null, tenant_id uuid not null);
alter table zoo.lots attach partition zoo.lots_1 default;
grant select on zoo.lots to app_definer;
select core.attach_audit('zoo.lots', 'core.audit_log', 'tenant_id');
insert into zoo.lots values (tests.id('north'), 1, 'n', 'f');
update zoo.lots set near = 'N';
update zoo.lots_1 set far = 'F';
select results_eq(
    $$ select l.entity_id collate "default", l.new_values from core.audit_log l where l.entity_type = 'zoo.lots' and l.action = 'update' order by l.id $$,
    $$ values ('1', '{"near": "N"}'::jsonb), ('1', '{"far": "F"}') $$, 'whatever the order of a partition''s columns');

-- columns named like what the trigger function itself uses
create table zoo.names (tenant_id uuid, "k%s" integer primary key, n text, o text, d text, n_row text, o_row text, action text, v_user text, v_none text);
grant select on zoo.names to app_definer;
select core.attach_audit('zoo.names', 'core.audit_log', 'tenant_id', '{o}');
insert into zoo.names values (tests.id('north'), 1, 'n', 'o', 'd', 'n_row', 'o_row', 'a', 'u', 'v');
update zoo.names set n = 'N', o = 'O', v_user = 'U';
update zoo.names set "k%s" = 2;
delete from zoo.names;
select results_eq(
    $$ select (l.action || ' ' || l.entity_id) collate "default", (l.old_values - 'tenant_id')::text, (l.new_values - 'tenant_id')::text
         from core.audit_log l where l.entity_type = 'zoo.names' order by 1 $$,
    $$ values
        ('delete 1', '{"d": "d", "n": "N", "o": "[redacted]", "k%s": 1, "n_row": "n_row", "o_row": "o_row", "action": "a", "v_none": "v", "v_user": "U"}', null),
        ('delete 2', '{"d": "d", "n": "N", "o": "[redacted]", "k%s": 2, "n_row": "n_row", "o_row": "o_row", "action": "a", "v_none": "v", "v_user": "U"}', null),
        ('insert 1', null, '{"d": "d", "n": "n", "o": "[redacted]", "k%s": 1, "n_row": "n_row", "o_row": "o_row", "action": "a", "v_none": "v", "v_user": "u"}'),
        ('insert 2', null, '{"d": "d", "n": "N", "o": "[redacted]", "k%s": 2, "n_row": "n_row", "o_row": "o_row", "action": "a", "v_none": "v", "v_user": "U"}'),
        ('update 1', '{"n": "n", "o": "[redacted]", "v_user": "u"}', '{"n": "N", "o": "[redacted]", "v_user": "U"}') $$,
    'columns may have any name');
alter table zoo.names add column later text default 'l';
insert into zoo.names (tenant_id, "k%s", o) values (tests.id('north'), 3, 'o');
update zoo.names set "k%s" = 4;
delete from zoo.names;
select results_eq(
    $$ select (l.action || ' ' || l.entity_id) collate "default", coalesce(l.old_values, l.new_values) ->> 'later', coalesce(l.old_values, l.new_values) ->> 'o'
         from core.audit_log l where l.entity_type = 'zoo.names' and l.entity_id in ('3', '4') order by 1 $$,
    $$ values ('delete 3', 'l', '[redacted]'), ('delete 4', 'l', '[redacted]'), ('insert 3', 'l', '[redacted]'), ('insert 4', 'l', '[redacted]') $$,
    'whole rows have a column added later, too');

-- and like words that end an expression of the language it is written in
create table zoo.words (
    "by" uuid, "begin" integer, "if" integer, "loop" integer, "foreach" integer, "while" integer, "execute" integer, "declare" text, "strict" json,
    primary key ("by", "begin", "if"));
grant select on zoo.words to app_definer;
select core.attach_audit('zoo.words', 'core.audit_log', 'by', '{execute}');
insert into zoo.words values (tests.id('north'), 1, 2, 3, 4, 5, 6, '7', '8');
select lives_ok($$ update zoo.words set "loop" = 0, "foreach" = 0, "while" = 0, "execute" = 0, "declare" = 0, "strict" = '0' $$, 'columns may be called like words of PL/pgSQL');
insert into zoo.words values (tests.id('north'), 1, 9, 3, 4, 5, 6, '7', '8');
update zoo.words set "loop" = 1;
select results_eq(
    $$ select l.tenant_id, (l.entity_id || ' ' || l.action) collate "default", l.old_values::text
         from core.audit_log l where l.entity_type = 'zoo.words' and l.action = 'update' order by l.id limit 2 $$,
    $$ values
        (tests.id('north'), '[1, 2] update', '{"loop": 3, "while": 5, "strict": 8, "declare": "7", "execute": "[redacted]", "foreach": 4}'),
        (tests.id('north'), '[1, 2] update', '{"loop": 0}') $$,
    'and are recorded');

-- what a key only carries along is no part of it
create table zoo.carried (tenant_id uuid, id integer, name text, primary key (tenant_id, id) include (name));
grant select on zoo.carried to app_definer;
select core.attach_audit('zoo.carried', 'core.audit_log', 'tenant_id');
insert into zoo.carried values (tests.id('north'), 1, 'a');
update zoo.carried set name = 'b';
select results_eq(
    $$ select (l.action || ' ' || l.entity_id) collate "default", l.old_values::text from core.audit_log l where l.entity_type = 'zoo.carried' order by l.id $$,
    $$ values ('insert 1', null), ('update 1', '{"name": "a"}') $$, 'a column that an index carries along changes like any other');

-- names of many bytes: each table has a function of its own
create table zoo."ääääääääääääääääääääääääääääääa" (tenant_id uuid, id integer primary key);
create table zoo."ääääääääääääääääääääääääääääääb" (tenant_id uuid, id integer primary key);
grant select on all tables in schema zoo to app_definer;
select core.attach_audit(c.oid, 'core.audit_log', 'tenant_id') from pg_class as c where c.relnamespace = 'zoo'::regnamespace and c.relname ~ '^ä' and c.relkind = 'r';
select is(count(distinct t.tgfoid), 2::bigint, 'tables whose long names differ at the end have two trigger functions')
  from pg_class as c join pg_trigger as t on t.tgrelid = c.oid where c.relname ~ '^ä';

-- refusals, beside what is attached above
create table zoo.keyless (tenant_id uuid);
create table zoo.walled (tenant_id uuid, id integer primary key, note text);
alter table zoo.walled enable row level security;
grant select on zoo.walled to app_definer;
select throws_ok($$ select core.attach_audit('zoo.keyless', 'core.audit_log', 'tenant_id') $$, 'PT422', 'invalid', 'a table without a primary key is refused');
create table zoo.cages (tenant_id uuid, id integer primary key);
create table zoo.boxes () inherits (zoo.cages);
grant select on zoo.cages to app_definer;
select throws_ok($$ select core.attach_audit('zoo.cages', 'core.audit_log', 'tenant_id') $$, 'PT422', 'invalid', 'a table others inherit from is refused');
drop table zoo.boxes;
select lives_ok($$ select core.attach_audit('zoo.cages', 'core.audit_log', 'tenant_id') $$, 'without them it is attached');
select is((select is_complete from core.audited_tables where entity_type = 'zoo.cages'), true, 'and complete');
create table zoo.boxes () inherits (zoo.cages);
select is((select is_complete from core.audited_tables where entity_type = 'zoo.cages'), false, 'one that comes later shows');
select throws_ok($$ select core.attach_audit('zoo.animals', 'core.audit_log', 'tenant_id', '{sekret}') $$, 'PT422', 'invalid', 'a misspelt column is refused, not left unredacted');
select throws_ok($$ select core.attach_audit('zoo.animals', 'core.audit_log', 'tenant_id', '{id}') $$, 'PT422', 'invalid', 'a key cannot be redacted');
select throws_ok($$ select core.attach_audit('zoo.animals', 'core.users', 'tenant_id') $$, 'PT422', 'invalid', 'a log that is none is refused');
select throws_ok($$ select core.attach_audit('zoo.walled', 'core.audit_log', 'tenant_id') $$, 'PT422', 'invalid', 'a table whose rows app_definer does not see is refused');
create policy system_all on zoo.walled to app_definer using (true);
select lives_ok($$ select core.attach_audit('zoo.walled', 'core.audit_log', 'tenant_id') $$, 'with the policy it is attached');

do $$
begin
    execute (select format('create table zoo.wide (tenant_id uuid, id integer primary key, %s)', string_agg(format('c%s integer', g), ', '))
               from generate_series(1, 499) g);
end
$$;
grant select on zoo.wide to app_definer;
select throws_ok($$ select core.attach_audit('zoo.wide', 'core.audit_log', 'tenant_id') $$, 'PT422', 'invalid', 'a table of 501 columns is refused');
alter table zoo.wide drop column c499;
select lives_ok($$ select core.attach_audit('zoo.wide', 'core.audit_log', 'tenant_id') $$, 'one of 500 is attached');
insert into zoo.wide (tenant_id, id) values (tests.id('north'), 1);
update zoo.wide set c1 = 1, c498 = 2;
select results_eq(
    $$ select l.action::text, l.changed_columns, l.new_values ->> 'c498' from core.audit_log l where l.entity_type = 'zoo.wide' order by l.id $$,
    $$ values ('insert', null::text[], null), ('update', '{c1,c498}', '2') $$, 'and recorded');

select * from finish();
rollback;

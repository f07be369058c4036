-- core.apply_retention: rows on either side of the cut-off, deleted or moved with every column, or not at all.
begin;
select plan(43);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
create schema "Odd schema" authorization app_owner;
set local role app_owner;
grant usage, create on schema "Odd schema" to app_definer;
create table "Odd schema"."Log; lines" (id bigint generated always as identity primary key, "Happened at" timestamptz, note text, kind text default 'x');
create table core.events (tenant_id uuid not null, id bigint generated always as identity, note text not null, at timestamptz, size integer generated always as (length(note)) stored);
create table core.events_archive (archived_at timestamptz not null default now(), size integer, at timestamptz, note text not null, id bigint generated always as identity, tenant_id uuid not null);
create table core.parts (at date not null, note text) partition by range (at);
create table core.parts_old partition of core.parts for values from ('2000-01-01') to ('2001-01-01');
create table core.parts_new partition of core.parts for values from ('2001-01-01') to (maxvalue);
grant all on all tables in schema "Odd schema" to app_definer;
alter table core.events enable row level security;
alter table core.events force row level security;
create policy system_all on core.events for all to app_owner, app_definer using (true) with check (true);
reset role;

insert into core.retention_policies (table_name, time_column, keep, mode, predicate)
values ('"Odd schema"."Log; lines"', 'Happened at', '6 months', 'delete', $$ kind <> 'keep' or kind is null $$), ('core.parts', 'at', '1 year', 'delete', null);
insert into core.retention_policies (table_name, time_column, keep, mode, archive_table, batch_size)
values ('core.events', 'at', '1 year', 'archive', 'core.events_archive', 2);
insert into "Odd schema"."Log; lines" ("Happened at", note, kind)
values (now() - interval '6 months 1 minute', 'old', 'x'), (now() - interval '6 months' + interval '1 minute', 'young', 'x'),
       (now() - interval '9 months', 'old but kept', 'keep'), (null, 'timeless', 'x'), (now() - interval '10 years', 'ancient', null);

-- delete
set local role app_owner;
select is(core.apply_retention('"Odd schema"."Log; lines"'), 2::bigint, 'two lines are older than six months');
reset role;
select results_eq(
    $$ select note from "Odd schema"."Log; lines" order by id $$, $$ values ('young'), ('old but kept'), ('timeless') $$,
    'what is younger, what the predicate keeps and what has no time stays');
set local role app_owner;
select is(core.apply_retention('"Odd schema"."Log; lines"'), 0::bigint, 'a second run finds nothing');
reset role;
insert into core.parts (at, note) select '2000-06-01', 'old' from generate_series(1, 3);
insert into core.parts (at, note) select current_date, 'new' from generate_series(1, 3);
set local role app_owner;
select is(core.apply_retention('core.parts'), 3::bigint, 'in a partitioned table rows of the old partition go');
select results_eq($$ select note from core.parts $$, $$ values ('new'), ('new'), ('new') $$, 'and not those at the same place of another');

-- archive
reset role;
insert into core.events (tenant_id, note, at)
select tests.id('north'), 'old ' || n, now() - interval '2 years' + n * interval '1 day' from generate_series(1, 5) as n;
insert into core.events (tenant_id, note, at) values (tests.id('south'), 'young', now() - interval '11 months');
create temporary table before as select id, tenant_id, note, at, size from core.events where note like 'old%';
set local role app_owner;
select throws_ok($$ select core.apply_retention('core.events') $$, 'PT422', 'invalid', 'an archive without row security is refused');
alter table core.events_archive enable row level security;
select throws_ok($$ select core.apply_retention('core.events') $$, 'PT422', 'invalid', 'one that does not bind its owner, too');
alter table core.events_archive force row level security;
create policy system_all on core.events_archive for all to app_owner, app_definer using (true) with check (true);
alter table core.events_archive drop column note;
select throws_ok($$ select core.apply_retention('core.events') $$, 'PT422', 'invalid', 'one that would lose a column, too');
select is((select count(*) from core.events), 6::bigint, 'and nothing was moved so far');
alter table core.events_archive add column note text;
create function core.tg_refuse() returns trigger language plpgsql as $$ begin return case when new.note = 'old 3' then null else new end; end $$;
create trigger refuse before insert on core.events_archive for each row execute function core.tg_refuse();
select throws_ok($$ select core.apply_retention('core.events') $$, 'PT409', 'conflict', 'an archive that drops a row in silence is noticed');
select is((select count(*) from core.events), 6::bigint, 'and the row is where it was');
drop trigger refuse on core.events_archive;
alter table core.events_archive add constraint no_third check (note <> 'old 3');
select throws_ok($$ select core.apply_retention('core.events') $$, '23514', null, 'an archive that refuses a row stops the run');
select is((select count(*) from core.events) + (select count(*) from core.events_archive), 6::bigint, 'with every row in one place');
alter table core.events_archive drop constraint no_third;
select is(core.apply_retention('core.events', null, 1), 2::bigint, 'one batch, when that is asked');
select is(core.apply_retention('core.events'), 3::bigint, 'the rest, batch by batch');
reset role;
select results_eq(
    $$ select id, tenant_id, note, at, size from core.events_archive order by id $$, $$ select * from before order by id $$, 'with every value it had, the id too');
select results_eq($$ select note from core.events $$, $$ values ('young') $$, 'the young one stays');
select is((select count(*) from core.events_archive where archived_at = now()), 5::bigint, 'what the archive adds is its own');

-- what is refused
set local role app_owner;
select throws_ok($$ select core.apply_retention('core.tenants') $$, 'PT422', 'invalid', 'a table without policy keeps everything');
select throws_ok($$ select core.apply_retention('core.events', 0) $$, 'PT400', 'bad_request', 'a batch has rows');
select throws_ok($$ select core.apply_retention('core.events', 50001) $$, 'PT400', 'bad_request', 'and not too many');
select throws_ok($$ select core.apply_retention('core.events', 10, 0) $$, 'PT400', 'bad_request', 'there is a batch');
reset role;
select throws_ok($$ update core.retention_policies set keep = '-1 day' $$, '23514', null, 'nothing is kept for less than no time');
select throws_ok($$ update core.retention_policies set mode = 'archive' where mode = 'delete' $$, '23514', null, 'an archive has a table');
select throws_ok($$ update core.retention_policies set batch_size = 0 $$, '23514', null, 'a policy has a batch');
select throws_ok(
    format($$ insert into core.retention_policies (table_name, time_column, keep, mode) values (%L, 'at', '1 day', 'delete') $$, name),
    '23514', null, 'no table is called ' || name)
  from unnest(array['events', 'core.events; drop table core.events', 'a.b.c', 'core."events']) as name;
update core.retention_policies set time_column = 'at"; drop table core.events; --' where table_name = 'core.events';
set local role app_owner;
select throws_ok($$ select core.apply_retention('core.events') $$, '42703', null, 'a column name is a name, whatever it says');
reset role;

-- all policies; of the seeded ones those of people and sign-ins stand for the others
delete from core.retention_policies where table_name like 'core.%' and table_name not in ('core.events', 'core.parts', 'core.login_attempts', 'core.user_notifications');
insert into core.retention_policies (table_name, time_column, keep, mode) values ('field.email_logs', 'created_at', '6 months', 'delete');
insert into "Odd schema"."Log; lines" ("Happened at", note) values (now() - interval '1 year', 'old again');
set local client_min_messages = error;
set local role app_owner;
select results_eq(
    $$ select table_name, removed, error is null from core.apply_retention_policies() $$,
    $$ values ('"Odd schema"."Log; lines"', 1::bigint, true), ('core.events', 0, false), ('core.login_attempts', 0, true), ('core.parts', 0, true),
              ('core.user_notifications', 0, true) $$,
    'every table has its turn, one that fails is named, one that does not exist rests');
reset role;
delete from core.cron_runs;
select tests.act_as('dbkit_migrator');
select results_eq(
    $$ select ok, split_part(message, ',', 1) from core.run_cron('apply-retention') $$, $$ values (false, '(core.events') $$,
    'the run has failed, and its log begins with the table');
select tests.act_as_admin();
select is(core.probe_cron_failures(5), 1::double precision, 'which the alert is told of');
delete from core.retention_policies where table_name = 'core.events';
select tests.act_as('dbkit_migrator');
select is((core.run_cron('apply-retention')).ok, true, 'without it the run is well');
select tests.act_as_admin();
insert into core.login_attempts (email, succeeded, created_at)
values ('a@example.test', false, now() - interval '1 year 1 day'), ('b@example.test', false, now() - interval '11 months');
insert into core.user_notifications (tenant_id, user_id, kind, title, created_at, read_at)
values (tests.id('north'), tests.id('ann'), 'x', 'old and read', now() - interval '2 years', now() - interval '2 years'),
       (tests.id('north'), tests.id('ann'), 'x', 'old and unread', now() - interval '2 years', null);
set local role app_owner;
select is((select sum(removed) from core.apply_retention_policies()), 2::numeric, 'core''s own policies');
select results_eq($$ select email::text from core.login_attempts $$, $$ values ('b@example.test') $$, 'forget sign-ins after a year');
select results_eq($$ select title from core.user_notifications $$, $$ values ('old and unread') $$, 'and notifications that were read');

-- nobody else
select tests.act_as('app_user', 'ann', 'north');
select throws_ok($$ select core.apply_retention('core.events') $$, '42501', 'permission denied for function apply_retention', 'an application role removes nothing');
select throws_ok($$ select core.apply_retention_policies() $$, '42501', 'permission denied for function apply_retention_policies', 'by no function');
select throws_ok($$ select from core.retention_policies $$, '42501', 'permission denied for table retention_policies', 'nor reads policies');
select throws_ok($$ update core.retention_policies set keep = '1 day' $$, '42501', 'permission denied for table retention_policies', 'or writes one');
select tests.act_as_admin();
grant select on core.retention_policies to app_user;
select tests.act_as('app_user', 'ann', 'north');
select is_empty($$ select from core.retention_policies $$, 'even with a grant no policy is visible');
select tests.act_as('app_definer');
select isnt_empty($$ select from core.retention_policies $$, 'definer functions see them');

select * from finish();
rollback;

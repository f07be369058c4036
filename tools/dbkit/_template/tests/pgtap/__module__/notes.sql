-- __module__.notes: north and south never meet. Beside each denial stands the same statement on the member's own row.
begin;
select plan(13);

-- arrange: ann owns north, sam owns south, one note each
select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sam');
insert into __module__.notes (tenant_id, id, title)
values (tests.id('north'), tests.id('north note'), 'north'), (tests.id('south'), tests.id('south note'), 'south');

-- act as ann in north
select tests.act_as('app_user', 'ann', 'north');
select results_eq(
    $$ select title from __module__.notes $$,
    $$ values ('north') $$,
    'ann sees the notes of north and no others');
select results_eq(
    $$ select title from __module__.create_note('plans') $$,
    $$ values ('plans') $$,
    'ann writes a note in north');
select throws_ok(
    $$ insert into __module__.notes (tenant_id, title) values (tests.id('south'), 'planted') $$,
    '42501', 'new row violates row-level security policy for table "notes"',
    'ann cannot plant a note in south');
select results_eq(
    $$ update __module__.notes set title = 'mine' where id = tests.id('north note') returning title, version $$,
    $$ values ('mine', 2) $$,
    'ann changes a note of north, and its version moves');
select is_empty(
    $$ update __module__.notes set title = 'mine' where id = tests.id('south note') returning title $$,
    'ann cannot change a note of south by its exact id');
select throws_ok(
    $$ update __module__.notes set tenant_id = tests.id('south') where id = tests.id('north note') $$,
    '42501', 'permission denied for table notes',
    'ann cannot move a note to south');
select throws_ok(
    $$ select core.optimistic_update('__module__.notes', tests.id('north note'), '{"title": "late"}', 1, array['title']) $$,
    'PT409', 'version_conflict',
    'a change based on an old version is refused');
select is(
    core.optimistic_update('__module__.notes', tests.id('north note'), '{"title": "in time"}', 2, array['title']) ->> 'title',
    'in time',
    'a change based on the current version goes through');
select is_empty(
    $$ delete from __module__.notes where id = tests.id('south note') returning title $$,
    'ann cannot delete a note of south by its exact id');
select results_eq(
    $$ delete from __module__.notes where id = tests.id('north note') returning title $$,
    $$ values ('in time') $$,
    'ann deletes a note of north');

-- without a context, and without a tenant
select tests.act_as('app_user');
select is_empty($$ select title from __module__.notes $$, 'nobody sees nothing');
select throws_ok(
    $$ select __module__.create_note('lost') $$,
    'PT401', 'unauthenticated',
    'nobody writes nothing');

-- look: what really happened
select tests.act_as_admin();
select results_eq(
    $$ select t.name, n.title from __module__.notes n join core.tenants t on t.id = n.tenant_id order by 1, 2 $$,
    $$ values ('north', 'plans'), ('south', 'south') $$,
    'south is as it was, and north has the note that ann wrote');

select * from finish();
rollback;

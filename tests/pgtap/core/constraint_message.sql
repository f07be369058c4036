-- core.constraint_message: one comment is a message, two different ones are none.
begin;
select plan(5);

create table core.first (id integer, constraint once check (id > 0));
create table core.second (id integer, other integer, constraint once check (id > 0));
create unique index other_live_idx on core.second (other) where other > 0;
comment on constraint once on core.first is 'Only once.';
comment on index core.other_live_idx is 'Only one live.';

select tests.act_as('app_user');
select is(core.constraint_message('once'), 'Only once.', 'the comment of the one constraint that has one');
select is(core.constraint_message('other_live_idx'), 'Only one live.', 'a partial unique index has a comment too');
select is(core.constraint_message('no_such'), null, 'an unknown name has none');

select tests.act_as_admin();
comment on constraint once on core.second is 'Only once.';
select is(core.constraint_message('once'), 'Only once.', 'two that say the same agree');
comment on constraint once on core.second is 'Only once here.';
select is(core.constraint_message('once'), null, 'two that differ say nothing');

select * from finish();
rollback;

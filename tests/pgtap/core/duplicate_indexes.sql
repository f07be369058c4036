-- core.duplicate_indexes: equal in everything but the name.
begin;
select plan(6);

create table core.shelves (id integer constraint shelves_pkey primary key, name text, color text);
create index shelves_color_idx on core.shelves (color);
create index shelves_color_again_idx on core.shelves (color);
create unique index shelves_id_idx on core.shelves (id);
-- different in one thing each
create index shelves_color_desc_idx on core.shelves (color desc);
create index shelves_color_partial_idx on core.shelves (color) where name is not null;
create index shelves_color_hash_idx on core.shelves using hash (color);
create index shelves_color_pattern_idx on core.shelves (color text_pattern_ops);
create index shelves_color_include_idx on core.shelves (color) include (name);
create index shelves_color_name_idx on core.shelves (color, name);
create index shelves_lower_idx on core.shelves (lower(color));
create index shelves_upper_idx on core.shelves (upper(color));

select tests.act_as('app_monitor');
select results_eq($$ select indexes from core.duplicate_indexes where table_name = 'shelves' order by indexes $$,
    $$ values (array['shelves_color_again_idx', 'shelves_color_idx']::name[]), (array['shelves_pkey', 'shelves_id_idx']::name[]) $$, 'two pairs, and the one to keep comes first');
select is_empty($$ select from core.duplicate_indexes where schema_name <> 'tests' and table_name <> 'shelves' $$, 'no table of ours has an index twice');
select ok((select bool_and(wasted_bytes > 0) from core.duplicate_indexes), 'what the second costs is shown');
select tests.act_as_admin();
create index shelves_lower_again_idx on core.shelves (lower(color));
select tests.act_as('app_monitor');
select results_eq($$ select indexes from core.duplicate_indexes where 'shelves_lower_idx' = any (indexes) $$, $$ values (array['shelves_lower_again_idx', 'shelves_lower_idx']::name[]) $$, 'expressions are compared too');
select tests.act_as('app_user');
select throws_ok($$ select from core.duplicate_indexes $$, '42501', 'permission denied for view duplicate_indexes', 'the view is for monitoring');
select tests.act_as('app_worker');
select throws_ok($$ select from core.duplicate_indexes $$, '42501', 'permission denied for view duplicate_indexes', 'not for workers');

select * from finish();
rollback;

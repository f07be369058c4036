-- core.unused_indexes: what nobody reads and nothing needs.
begin;
select plan(5);

create table core.shelves (id integer constraint shelves_pkey primary key, name text constraint shelves_name_key unique, color text, span int4range, exclude using gist (span with &&));
create index shelves_color_idx on core.shelves (color);
create unique index shelves_color_name_idx on core.shelves (color, name);

select tests.act_as('app_monitor');
select results_eq($$ select index_name from core.unused_indexes where table_name = 'shelves' $$, $$ values ('shelves_color_idx'::name) $$, 'keys, unique and exclusion indexes are needed without being read');
select ok((select bytes > 0 and size is not null from core.unused_indexes where table_name = 'shelves'), 'with its size');
select is_empty($$ select from core.unused_indexes where schema_name in ('pg_catalog', 'pg_toast') $$, 'system indexes are nobody''s to drop');
select isnt_empty($$ select from core.unused_indexes where schema_name = 'core' and table_name <> 'shelves' $$, 'in a fresh database most are unused');
select tests.act_as('app_user');
select throws_ok($$ select from core.unused_indexes $$, '42501', 'permission denied for view unused_indexes', 'the view is for monitoring');

select * from finish();
rollback;

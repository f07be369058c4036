begin;

select plan(24);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue'), tests.member('north', 'bob', 'MEMBER');
-- 120 entries of equal time, so that pages break ties by id
insert into core.audit_log (tenant_id, user_id, action, entity_type, entity_id, new_values)
select tests.id(case when g % 4 = 0 then 'south' else 'north' end), tests.id(case when g % 2 = 0 then 'ann' else 'bob' end),
       case when g % 3 = 0 then 'update' else 'insert' end, 'zoo.animals', (g % 10)::text, jsonb_build_object('n', g)
  from generate_series(1, 120) g;
insert into core.audit_log (tenant_id, action, entity_type, entity_id, created_at)
values (tests.id('north'), 'delete', 'zoo.animals', '1', now() + interval '1 hour');

select tests.act_as('app_user', 'bob', 'north');
select throws_ok($$ select * from core.audit_search() $$, 'PT403', 'forbidden', 'without audit.view the search is refused');
select tests.act_as('app_user');
select throws_ok($$ select * from core.audit_search() $$, 'PT401', 'unauthenticated', 'without a context, too');
select tests.act_as('app_renter');
select throws_ok($$ select * from core.audit_search() $$, '42501', null, 'renters may not call it');

select tests.act_as('app_user', 'ann', 'north');
select lives_ok($$ select * from core.audit_search() $$, 'with audit.view it answers');
select is((select count(*)::integer from core.audit_search(p_limit => 100)), 94, 'with what north has: 91 of the zoo, its tenant and two memberships');
select is_empty(
    $$ select from core.audit_search(p_limit => 100) as s where (s.row -> 'new_values' ->> 'n')::integer % 4 = 0 $$, 'and nothing of south');
select is((select count(*)::integer from core.audit_search(p_entity_type => 'zoo.animals', p_limit => 100)), 91, 'by kind of entity');
select is((select count(*)::integer from core.audit_search('zoo.animals', '1', p_limit => 100)), 13, 'by entity');
select is((select count(*)::integer from core.audit_search('zoo.animals', p_user_id => tests.id('bob'), p_limit => 100)), 60, 'by person');
select is((select count(*)::integer from core.audit_search('zoo.animals', p_action => 'update', p_limit => 100)), 30, 'by action');
select is((select count(*)::integer from core.audit_search(p_from => now() + interval '1 minute')), 1, 'from a time on');
select is((select count(*)::integer from core.audit_search('zoo.animals', p_to => now() + interval '1 hour', p_limit => 100)), 90, 'before a time');
select is((select count(*)::integer from core.audit_search()), 50, 'a page has 50 entries');
select is((select count(*)::integer from core.audit_search(p_limit => 0)), 1, 'a limit below one is one');
select results_eq(
    $$ select array_agg(k order by k) from core.audit_search(p_limit => 1) s, jsonb_object_keys(s.row) k $$,
    $$ values ('{action,changed_columns,created_at,entity_id,entity_type,id,new_values,old_values,request_id,user_id}'::text[]) $$,
    'a row has these keys');

create function pg_temp.pages(out ids bigint[], out pages integer) language plpgsql as $fn$
declare
    v_cursor text;
    v_page   record;
begin
    pages := 0;
    loop
        select array_agg((s.row ->> 'id')::bigint order by position) as page, max(s.next_cursor) as next, count(s.next_cursor) as cursors
          into v_page from core.audit_search('zoo.animals', p_limit => 7, p_cursor => v_cursor) with ordinality as s ("row", next_cursor, position);
        ids := ids || v_page.page;
        pages := pages + 1;
        v_cursor := v_page.next;
        exit when v_cursor is null or pages > 50;
    end loop;
end
$fn$;
select is((select p.pages from pg_temp.pages() p), 13, 'all is read in thirteen pages of seven');
select is(
    (select p.ids from pg_temp.pages() p),
    (select array_agg(l.id order by l.created_at desc, l.id desc) from core.audit_log l where l.entity_type = 'zoo.animals'),
    'without gap or repetition, newest first');
select throws_ok($$ select * from core.audit_search(p_cursor => 'v1.garbage') $$, 'PT400', 'bad_request', 'a malformed cursor is refused');

-- plans, as the caller sees the table: row security on
select tests.act_as_admin();
insert into core.audit_log (tenant_id, action, entity_type, entity_id)
select tests.id('tenant ' || g % 50), 'insert', 'zoo.animals', g::text from generate_series(1, 20000) g;
analyze core.audit_log;
select ok(
    tests.plan_indexes(format($$ select l.id from core.audit_log l where l.transaction_id >= %1$s and l.transaction_id < %1$s + 5 $$,
                              txid_snapshot_xmax(txid_current_snapshot()) + 1000))::text ~ 'audit_log_\d{4}_\d{2}_pkey',
    'what was written since the last seal is found by the primary key');
select tests.act_as('app_user', 'ann', 'north');
select ok(tests.plan_indexes($$ select * from core.audit_log l where l.tenant_id = core.active_tenant_id()
    and l.created_at <= now() and (l.created_at, l.id) < (now(), 5) order by l.created_at desc, l.id desc limit 51 $$)::text ~ 'tenant_id_created_at',
    'the list of a tenant reads its index');
select ok(tests.plan_indexes($$ select * from core.audit_log l where l.tenant_id = core.active_tenant_id()
    and l.entity_type = 'zoo.animals' and l.entity_id = '1' order by l.created_at desc, l.id desc limit 51 $$)::text ~ 'entity_type_entity_id',
    'the history of an entity reads its index');

-- one session after many searches of another kind
select is(
    (select count(*)::integer from generate_series(1, 12) g, core.audit_search('zoo.animals', (g % 10)::text, p_limit => 1)), 12,
    'a dozen searches in one session agree');
select tests.act_as('app_user', 'sue', 'south');
select is((select count(*)::integer from core.audit_search('zoo.animals', p_limit => 100)), 30, 'south has its own thirty');
select tests.act_as('app_readonly', 'sue', 'south');
select is((select count(*)::integer from core.audit_search('zoo.animals', p_limit => 100)), 30, 'on a read replica as well');

select * from finish();
rollback;

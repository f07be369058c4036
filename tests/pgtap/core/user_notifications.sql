-- core.user_notifications, core.notify_user, core.my_notifications, core.mark_notification_read: own messages, in the active tenant.
begin;
select plan(25);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'VIEWER'), tests.member('south', 'bob', 'VIEWER'), tests.member('north', 'eve', 'VIEWER', 'suspended');

select tests.act_as('app_user', 'ann', 'north');
select isnt(core.notify_user(tests.id('bob'), 'mention', 'ann named you', 'in a deal', 'deal', '1'), null, 'ann tells bob');
select is_empty($$ select from core.user_notifications $$, 'ann does not see what bob was told');
select results_eq(
    $$ select payload from core.read_events('notifications') $$,
    $$ values (jsonb_build_object('user_id', tests.id('bob'), 'kind', 'mention')) $$,
    'the event has no text');
select throws_ok($$ select core.notify_user(tests.id('sue'), 'mention', 'hello') $$, 'PT404', 'not_found', 'a member of another tenant cannot be told');
select throws_ok($$ select core.notify_user(tests.id('eve'), 'mention', 'hello') $$, 'PT404', 'not_found', 'nor a suspended one');
select throws_ok($$ select core.notify_user(tests.id('bob'), 'mention', '') $$, 'PT422', 'invalid', 'a title is needed');
select throws_ok(
    $$ insert into core.user_notifications (tenant_id, user_id, kind, title) values (tests.id('north'), tests.id('bob'), 'x', 'x') $$,
    '42501', 'permission denied for table user_notifications', 'nobody writes around the function');

select tests.act_as_admin();
insert into core.user_notifications (tenant_id, user_id, kind, title, created_at)
select tests.id('north'), tests.id('bob'), 'digest', 'day ' || n, now() - n * interval '1 day' from generate_series(1, 4) as n;
insert into core.user_notifications (tenant_id, user_id, kind, title) values (tests.id('south'), tests.id('bob'), 'mention', 'from sue');

select tests.act_as('app_user', 'bob', 'north');
select results_eq(
    $$ select "row" ->> 'title' from core.my_notifications() $$,
    $$ values ('ann named you'), ('day 1'), ('day 2'), ('day 3'), ('day 4') $$, 'bob sees his own of north, newest first');
select is((select max(next_cursor) from core.my_notifications(p_limit => 5)), null, 'a page that ends the list has no cursor');
select is((select count(distinct next_cursor) from core.my_notifications(p_limit => 2)), 1::bigint, 'one that does not has one');
select results_eq(
    $$ select "row" ->> 'title' from core.my_notifications(p_limit => 2, p_cursor => (select max(next_cursor) from core.my_notifications(p_limit => 2))) $$,
    $$ values ('day 2'), ('day 3') $$, 'which goes on behind it');
select throws_ok($$ select from core.my_notifications(p_cursor => 'garbage') $$, 'PT400', 'bad_request', 'a malformed one is refused');
select throws_ok($$ update core.user_notifications set title = 'x' $$, '42501', 'permission denied for table user_notifications', 'texts do not change');
select lives_ok(format($$ select core.mark_notification_read(%L) $$, (select "row" ->> 'id' from core.my_notifications(p_limit => 1))), 'bob reads the first');
select is((select count(*) from core.my_notifications()), 4::bigint, 'which is unread no more');
select is((select count(*) from core.my_notifications(p_unread_only => false)), 5::bigint, 'but there');
select is((select count(*) from core.user_notifications where read_at is not null), 1::bigint, 'with the time of reading');
update core.user_notifications set read_at = '2020-01-01' where read_at is not null;
select lives_ok(
    format($$ select core.mark_notification_read(%L) $$, (select id from core.user_notifications where read_at is not null)), 'marking twice is no error');
select is((select max(read_at) from core.user_notifications), '2020-01-01'::timestamptz, 'and the first time counts');
select throws_ok($$ select core.mark_notification_read(tests.id('nothing')) $$, 'PT404', 'not_found', 'what is not there cannot be read');
select tests.act_as('app_user', 'bob', 'south');
select results_eq($$ select "row" ->> 'title' from core.my_notifications() $$, $$ values ('from sue') $$, 'in south he sees that of south');
select tests.act_as_admin();
create temporary table of_bob as select id from core.user_notifications where title = 'from sue';
grant select on of_bob to app_user;
select tests.act_as('app_user', 'sue', 'south');
select is_empty($$ select from core.my_notifications(p_unread_only => false) $$, 'sue sees none of bob''s');
select throws_ok($$ select core.mark_notification_read((select id from of_bob)) $$, 'PT404', 'not_found', 'nor marks one');
select tests.act_as('app_user', 'bob', 'south');
select lives_ok($$ select core.mark_notification_read((select id from of_bob)) $$, 'which bob does');
select tests.act_as('app_user', 'bob');
select throws_ok($$ select from core.my_notifications() $$, 'PT403', 'forbidden', 'without a tenant there is no list');

select * from finish();
rollback;

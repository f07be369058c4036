begin;
do $$ begin perform set_config('desk.ctx', 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb.' || encode(sha256(convert_to('s3cretbbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbbs3cret', 'UTF8')), 'hex'), true); end $$;
select 'CONTROL OK' where exists (select 1 from desk.ticket where subject = 'own-B');
select 'LEAK: moved' where desk.merge_tickets('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111') > 0;
select 'LEAK: ' || ('11111111-1111-4111-8111-111111111111'::uuid operator(desk.?>) 9) where ('11111111-1111-4111-8111-111111111111'::uuid operator(desk.?>) 9) like 'SECRET%';
rollback;

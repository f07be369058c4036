begin;
do $$ begin perform set_config('desk.ctx', 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb.' || encode(sha256(convert_to('s3cretbbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbbs3cret', 'UTF8')), 'hex'), true); end $$;
select 'CONTROL OK' where exists (select 1 from desk.ticket where subject = 'own-B');
do $$ begin perform desk.merge_tickets('22222222-2222-4222-8222-222222222222', '11111111-1111-4111-8111-111111111111'); end $$;
select 'LEAK: ' || body from desk.comment where body like 'SECRET-A%';
rollback;

begin;
do $$ begin perform set_config('desk.ctx', 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb.' || encode(sha256(convert_to('s3cretbbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbbs3cret', 'UTF8')), 'hex'), true); end $$;
select 'CONTROL OK' where exists (select 1 from desk.ticket where subject = 'own-B');
set local desk.ctx = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
select 'LEAK: unsigned context reads ' || subject from desk.ticket where subject like 'SECRET-A%';
rollback;

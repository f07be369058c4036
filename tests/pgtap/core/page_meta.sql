-- core.page_meta: describes the page core.page gives.
begin;
select plan(9);

select tests.act_as('app_user');
select is(core.page_meta(2, 50, 120), '{"page": 2, "limit": 50, "total": 120, "totalPages": 3, "hasNext": true, "hasPrev": true}'::jsonb, 'a page in the middle');
select is(core.page_meta(1, 50, 120), '{"page": 1, "limit": 50, "total": 120, "totalPages": 3, "hasNext": true, "hasPrev": false}'::jsonb, 'the first page');
select is(core.page_meta(3, 50, 120), '{"page": 3, "limit": 50, "total": 120, "totalPages": 3, "hasNext": false, "hasPrev": true}'::jsonb, 'the last page');
select is(core.page_meta(1, 50, 100) -> 'totalPages', '2'::jsonb, 'a full last page makes no empty one');
select is(core.page_meta(1, 50, 0), '{"page": 1, "limit": 50, "total": 0, "totalPages": 0, "hasNext": false, "hasPrev": false}'::jsonb, 'nothing at all');
select is(core.page_meta(null, null, null), core.page_meta(1, 50, 0), 'null is the default');
select is(core.page_meta(1, 500, 1000) -> 'limit', '100'::jsonb, 'the limit is the clamped one');
select is(core.page_meta(1, 500, 1000, 500) -> 'limit', '500'::jsonb, 'unless more was allowed');
select throws_ok($$ select core.page_meta(0, 50, 10) $$, 'PT400', 'bad_request', 'there is no page 0');

select * from finish();
rollback;

-- storage.create_upload: a name, its limits to the byte, and a token of which only the hash is kept.
begin;
select plan(33);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
create function tests.path(p_tenant text, p_name text) returns text language sql immutable return tests.id(p_tenant)::text || '/' || p_name;

select tests.act_as('app_user', 'ann', 'north');
create temporary table upload as select * from storage.create_upload('attachments', tests.path('north', 'deals/offer.pdf'), 'application/pdf', 1000);
select is((select path from upload), 'attachments/' || tests.path('north', 'deals/offer.pdf'), 'the path is bucket and name');
select cmp_ok((select expires_at from upload), '>', clock_timestamp() + interval '59 minutes', 'the token lives for an hour');
select tests.act_as_admin();
select results_eq(
    $$ select bucket_id, size_bytes, mime_type, owner_id, state from storage.objects where id = (select object_id from upload) $$,
    $$ values ('attachments', 1000::bigint, 'application/pdf', tests.id('ann'), 'pending') $$, 'the name is reserved');
select results_eq(
    $$ select token_hash, mode, created_by from storage.access_grants $$,
    $$ select encode(sha256(convert_to(token, 'UTF8')), 'hex'), 'upload', tests.id('ann') from upload $$, 'the hash of the token is kept');
select is_empty(
    $$ select from storage.access_grants as g, upload as u where strpos(to_jsonb(g)::text, u.token) > 0 $$, 'the token is not');

select tests.act_as('app_user', 'ann', 'north');
select throws_ok(
    $$ select storage.create_upload('attachments', tests.path('north', 'deals/offer.pdf'), 'application/pdf', 1000) $$, 'PT409', 'conflict', 'a name is given once');
select lives_ok(
    $$ select storage.create_upload('documents', tests.path('north', 'deals/offer.pdf'), 'application/pdf', 1000) $$, 'per bucket');

select lives_ok(
    format($$ select storage.create_upload(%L, tests.path('north', 'limit'), %L, %s) $$, b.id, replace(b.allowed_mime_types[1], '*', 'png'), b.file_size_limit),
    b.id || ' takes a file of exactly its limit')
  from storage.buckets as b order by b.id;
select throws_ok(
    format($$ select storage.create_upload(%L, tests.path('north', 'over'), %L, %s) $$, b.id, replace(b.allowed_mime_types[1], '*', 'png'), b.file_size_limit + 1),
    'PT422', 'invalid', 'and none that is a byte larger')
  from storage.buckets as b order by b.id;
select throws_ok(
    format($$ select storage.create_upload(%L, %L, %L, %L) $$, input.bucket, input.name, input.mime, input.size), 'PT422', 'invalid', 'refused: ' || input.what)
  from (values ('an image that can carry script', 'attachments', tests.path('north', 'x'), 'image/svg+xml', 1),
               ('the same in capitals', 'avatars', tests.path('north', 'x'), 'Image/SVG+XML', 1),
               ('the same with parameters', 'avatars', tests.path('north', 'x'), 'image/svg+xml; charset=utf-8', 1),
               ('an image as an invoice', 'invoices', tests.path('north', 'x'), 'image/png', 1),
               ('an unknown bucket', 'secrets', tests.path('north', 'x'), 'image/png', 1),
               ('a way up', 'attachments', tests.path('north', '../' || tests.id('south') || '/x'), 'image/png', 1),
               ('the same file by another name', 'attachments', tests.path('north', './x'), 'image/png', 1),
               ('the folder itself', 'attachments', tests.path('north', '.'), 'image/png', 1),
               ('another tenant''s folder', 'attachments', tests.path('south', 'x'), 'image/png', 1),
               ('a name in no folder', 'avatars', 'me.png', 'image/png', 1),
               ('a name that only begins like the tenant', 'attachments', tests.id('north') || 'x', 'image/png', 1),
               ('no type', 'attachments', tests.path('north', 'x'), null, 1),
               ('no size', 'attachments', tests.path('north', 'x'), 'image/png', null),
               ('a negative size', 'attachments', tests.path('north', 'x'), 'image/png', -1))
    as input (what, bucket, name, mime, size);
select throws_ok(
    $$ select storage.create_upload('attachments', tests.path('north', 'x'), 'image/png', 1, 3601) $$, 'PT422', 'invalid', 'a token lives for an hour at most');
select is_empty($$ select from storage.objects where name = tests.path('north', 'x') $$, 'what was refused reserved nothing');
select tests.act_as('app_user', 'ann');
select throws_ok(
    $$ select storage.create_upload('attachments', tests.path('north', 'x'), 'image/png', 1) $$, 'PT403', 'forbidden', 'without a tenant there is no folder');
select tests.act_as('app_worker', 'ann', 'north');
select throws_ok(
    $$ select storage.create_upload('attachments', tests.path('north', 'x'), 'image/png', 1) $$, '42501', 'permission denied for function create_upload', 'a worker reserves nothing');

select * from finish();
rollback;

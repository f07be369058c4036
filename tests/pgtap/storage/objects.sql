-- storage.objects, storage.buckets: who sees, reserves, changes and deletes what, per bucket; and which names and files are refused.
begin;
select plan(44);

select tests.tenant('north', 'crm', 'ann'), tests.tenant('south', 'crm', 'sue');
select tests.member('north', 'bob', 'MEMBER'), tests.member('north', 'adam', 'ADMIN'), tests.member('north', 'eve', 'MEMBER', 'suspended');
create function tests.path(p_tenant text, p_name text) returns text language sql immutable return tests.id(p_tenant)::text || '/' || p_name;

select results_eq(
    $$ select id, public, file_size_limit, allowed_mime_types from storage.buckets order by id $$,
    $$ values ('attachments', false, 52428800::bigint, array['image/*', 'application/pdf']), ('avatars', true, 5242880, array['image/*']),
              ('documents', false, 52428800, array['application/octet-stream', 'application/pdf', 'image/*']),
              ('invoices', false, 10485760, array['application/pdf']) $$,
    'the buckets are the four of the requirements');

insert into storage.objects (bucket_id, name, size_bytes, mime_type)
values ('attachments', tests.path('north', 'a.pdf'), 1, 'application/pdf'), ('attachments', tests.path('south', 'a.pdf'), 1, 'application/pdf'),
       ('invoices', tests.path('north', '1.pdf'), 1, 'application/pdf'), ('invoices', tests.path('south', '1.pdf'), 1, 'application/pdf'),
       ('avatars', tests.path('north', 'me.png'), 1, 'image/png'), ('avatars', tests.path('south', 'me.png'), 1, 'image/png'),
       ('avatars', 'me.png', 1, 'image/png'), ('attachments', 'nobody.pdf', 1, 'application/pdf');
select is((select tenant_id from storage.objects where name = tests.path('north', 'a.pdf')), tests.id('north'), 'the tenant is the first part of the name');
select is((select tenant_id from storage.objects where name = 'me.png'), null, 'a name without one has no tenant');

-- read
select tests.act_as('app_user', 'bob', 'north');
select results_eq(
    $$ select bucket_id, replace(name, tests.id('north')::text, 'north') from storage.objects where bucket_id <> 'avatars' order by 1 $$,
    $$ values ('attachments', 'north/a.pdf'), ('invoices', 'north/1.pdf') $$,
    'bob sees the private files of north and no others');
select is((select count(*) from storage.objects where bucket_id = 'avatars'), 3::bigint, 'and every avatar, the nameless one without a cast error');
select is((select count(*) from storage.buckets), 4::bigint, 'and the buckets');
select tests.act_as('app_user', 'sue', 'south');
select results_eq(
    $$ select bucket_id, replace(name, tests.id('south')::text, 'south') from storage.objects where bucket_id <> 'avatars' order by 1 $$,
    $$ values ('attachments', 'south/a.pdf'), ('invoices', 'south/1.pdf') $$,
    'sue sees those of south');
select tests.act_as('app_user');
select is_empty($$ select from storage.objects where bucket_id <> 'avatars' $$, 'without context nothing private is visible');
select tests.act_as_admin();
select throws_ok($$ select core.set_context(tests.id('eve'), tests.id('north')) $$, 'PT403', 'forbidden', 'a suspended member does not even enter');
select tests.act_as('app_readonly', 'bob', 'north');
select is((select count(*) from storage.objects where bucket_id = 'attachments'), 1::bigint, 'a report sees what its reader sees');

-- reserve
select tests.act_as('app_user', 'bob', 'north');
select lives_ok(
    format($$ insert into storage.objects (bucket_id, name) values (%L, %L) $$, b.id, tests.path('north', 'new')), 'a member reserves a name in ' || b.id)
  from storage.buckets as b;
select results_eq(
    $$ select distinct owner_id, state from storage.objects where name = tests.path('north', 'new') $$, $$ values (tests.id('bob'), 'pending') $$, 'as their own, pending');
select throws_ok(
    format($$ insert into storage.objects (bucket_id, name) values (%L, tests.path('south', 'new')) $$, b.id),
    '42501', 'new row violates row-level security policy for table "objects"', 'never in another tenant''s folder of ' || b.id)
  from storage.buckets as b;
select throws_ok(
    $$ insert into storage.objects (bucket_id, name) values ('avatars', 'bob.png') $$,
    '42501', 'new row violates row-level security policy for table "objects"', 'nor outside of all folders');
select throws_ok(
    $$ insert into storage.objects (bucket_id, name, owner_id) values ('avatars', tests.path('north', 'x'), tests.id('ann')) $$,
    '42501', 'new row violates row-level security policy for table "objects"', 'nor in somebody else''s name');
select throws_ok(
    $$ insert into storage.objects (bucket_id, name, state) values ('avatars', tests.path('north', 'x'), 'uploaded') $$,
    '42501', 'permission denied for table objects', 'nor as if the bytes were there');
select throws_ok(
    format($$ insert into storage.objects (bucket_id, name) values ('attachments', %L) $$, tests.id('north') || input.name),
    '23514', null, 'a name with ' || input.what || ' is refused')
  from (values ('a way up', '/../' || tests.id('south') || '/a'), ('an empty part', '//a'), ('no end', '/a/'), ('a backslash', '/a\b'),
               ('a line break', e'/a\nb'), ('a part that says nothing', '/./a'), ('none at its end', '/a/.')) as input (what, name);
select throws_ok(
    format($$ insert into storage.objects (bucket_id, name, size_bytes, mime_type) values ('attachments', tests.path('north', 'x'), %s, %L) $$, input.size, input.mime),
    'PT422', 'invalid', 'a direct insert of ' || input.what || ' is refused')
  from (values ('a script in an image', 1, 'image/SVG+xml'), ('a program', 1, 'application/x-sh'), ('one byte too many', 52428801, 'image/png'))
    as input (what, size, mime);

-- change
select results_eq(
    $$ update storage.objects set metadata = '{"seen": true}' where bucket_id = 'invoices' returning replace(name, tests.id('north')::text, 'north') $$,
    $$ values ('north/1.pdf'), ('north/new') $$, 'a member changes what is said about files of north only');
select is_empty($$ update storage.objects set metadata = '{}' where tenant_id = tests.id('south') returning id $$, 'not even an avatar they can see');
select throws_ok($$ update storage.objects set name = 'x' $$, '42501', 'permission denied for table objects', 'names never change');

-- delete
select is_empty($$ delete from storage.objects returning id $$, 'a member deletes nothing');
select tests.act_as('app_user', 'adam', 'north');
select is((select count(*) from storage.objects where tenant_id = tests.id('north')), 7::bigint, 'of the files of north');
select is_empty($$ delete from storage.objects where tenant_id = tests.id('south') returning id $$, 'an administrator deletes none of south');
select results_eq(
    $$ with gone as (delete from storage.objects where bucket_id = 'invoices' returning 1) select count(*) from gone $$, $$ values (2::bigint) $$,
    'and those of north');
select results_eq(
    $$ select payload -> 'row' ->> 'bucket_id' from core.read_events('storage') where event = 'DELETE' $$, $$ values ('invoices'), ('invoices') $$,
    'which whoever keeps the bytes is told');
select tests.act_as_admin();
select lives_ok($$ delete from storage.objects where tenant_id is null $$, 'what belongs to nobody goes in silence');

-- limits and types are nobody's to write
select tests.act_as('app_user', 'adam', 'north');
select throws_ok($$ update storage.buckets set file_size_limit = 1 $$, '42501', 'permission denied for table buckets', 'nobody changes a bucket');
select throws_ok($$ select from storage.access_grants $$, '42501', 'permission denied for table access_grants', 'or reads a token''s hash');
select tests.act_as_admin();
grant select on storage.access_grants to app_user;
select tests.act_as('app_user', 'adam', 'north');
select is_empty($$ select from storage.access_grants $$, 'even where a grant was made by mistake');

select * from finish();
rollback;

-- core.encode_cursor: opaque, URL-safe, read back unchanged.
begin;
select plan(5);

select tests.act_as('app_user');
select matches(core.encode_cursor(jsonb_build_object('name', repeat('ÿ?>~', 100))), '^v1\.[A-Za-z0-9_-]+$', 'only characters a URL takes, and no line breaks');
select is(core.decode_cursor(core.encode_cursor(example.payload)), example.payload, 'read back unchanged: ' || left(example.payload::text, 40))
  from (values
    ('{"created_at": "2026-01-02T03:04:05.678901+00:00", "id": "00000000-0000-4000-8000-000000000001"}'::jsonb),
    ('{"name": "Straße \"quoted\" ✓"}'),
    ('{}')
  ) as example (payload);
select is(core.encode_cursor(null), null, 'no further page has no cursor');

select * from finish();
rollback;

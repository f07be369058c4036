-- core.decode_cursor: a cursor is read, anything else is one PT400; a keyset list built on it neither skips nor repeats.
begin;
select plan(24);

select tests.act_as('app_user');
select is(core.decode_cursor(null), null, 'no cursor is the first page');
select is(
    core.decode_cursor(core.encode_cursor('{"at": "2026-01-02T03:04:05Z", "id": "00000000-0000-4000-8000-000000000001", "n": 7, "d": "2026-01-02", "m": 1.5, "t": "x"}'),
        '{"at": "timestamptz", "id": "uuid", "n": "bigint", "d": "date", "m": "numeric", "t": "text"}') ->> 'n',
    '7', 'a cursor of the right shape passes');

select is(
    tests.error_of(format($$ select core.decode_cursor(%L, '{"id": "uuid"}') $$, example.cursor)),
    '{"code": "PT400", "message": "bad_request", "detail": "The cursor is malformed or belongs to another list.", "hint": "{\"cursor\": \"malformed\"}"}'::jsonb,
    'refused: ' || example.what)
  from (values
    ('empty text', ''),
    ('no version', 'eyJpZCI6MX0'),
    ('another version', 'v2.eyJpZCI6MX0'),
    ('no payload', 'v1.'),
    ('no base64', 'v1.%%%'),
    ('impossible length', 'v1.abcde'),
    ('no UTF-8', 'v1._____w'),
    ('no JSON', 'v1.' || rtrim(translate(encode('nonsense', 'base64'), '+/', '-_'), '=')),
    ('no object', core.encode_cursor('[1]')),
    ('a scalar', core.encode_cursor('1')),
    ('a missing key', core.encode_cursor('{"name": "x"}')),
    ('a null key', core.encode_cursor('{"id": null}')),
    ('a value of another type', core.encode_cursor('{"id": "x"}')),
    ('trailing rubbish', core.encode_cursor('{"id": "00000000-0000-4000-8000-000000000001"}') || E'\n'),
    ('beyond any size', 'v1.' || repeat('a', 5000))
  ) as example (what, cursor);
select throws_ok($$ select core.decode_cursor(core.encode_cursor('[1]')) $$, 'PT400', 'bad_request', 'refused: no object, where no shape is asked for');
select is(
    tests.error_of($$ select core.decode_cursor(core.encode_cursor('{"at": "2026-13-01"}'), '{"at": "timestamptz"}') $$) ->> 'code',
    'PT400', 'refused: a month that does not exist');
select is(
    tests.error_of($$ select core.decode_cursor(core.encode_cursor('{"n": 99999999999999999999}'), '{"n": "bigint"}') $$) ->> 'code',
    'PT400', 'refused: a number out of range');

-- a keyset list over equal sort keys, rows coming in before and behind the reader
select tests.act_as_admin();
create temporary table items (id uuid primary key default gen_random_uuid(), created_at timestamptz not null, is_late boolean not null default false) on commit drop;
insert into items (created_at) select timestamptz '2026-01-01' + (n / 1000) * interval '1 second' from generate_series(0, 9999) as n;

create function tests.read_all(p_page_size integer) returns uuid[]
    language plpgsql
as $fn$
declare
    v_cursor text;
    v_after  jsonb;
    v_page   items[];
    v_all    uuid[] := '{}';
begin
    loop
        v_after := core.decode_cursor(v_cursor, '{"created_at": "timestamptz", "id": "uuid"}');
        v_page := array(
            select i
              from items as i
             where (i.created_at, i.id) < (coalesce((v_after ->> 'created_at')::timestamptz, 'infinity'),
                                           coalesce((v_after ->> 'id')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
             order by i.created_at desc, i.id desc
             limit p_page_size);
        exit when cardinality(v_page) = 0;
        v_all := v_all || array(select row.id from unnest(v_page) as row);
        v_cursor := core.encode_cursor(to_jsonb(v_page[cardinality(v_page)]) - 'is_late');
        insert into items (created_at, is_late)
        select late.created_at, true
          from (values (timestamptz '2027-01-01'), (v_page[1].created_at), (v_page[cardinality(v_page)].created_at)) as late (created_at);
    end loop;
    return v_all;
end
$fn$;

create temporary table seen on commit drop as select item.id from unnest(tests.read_all(700)) as item (id);
select is_empty($$ select id from items where not is_late except select id from seen $$, 'no row of 10,000 is skipped');
select is_empty($$ select id from seen group by id having count(*) > 1 $$, 'no row is read twice');
select is((select count(*) from seen join items using (id) where not is_late), 10000::bigint, 'all were read, page by page');
select ok(
    (select array_agg(i.created_at order by s.position) = array_agg(i.created_at order by i.created_at desc)
       from (select id, row_number() over () as position from seen) as s join items as i using (id)),
    'in order');

select * from finish();
rollback;

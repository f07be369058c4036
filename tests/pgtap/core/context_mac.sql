-- core.context_mac: every part of a context changes it, and only definer functions compute it.
begin;
select plan(11);

create temporary table mac on commit drop as
select what, core.context_mac(key, person, tenant, pid, started_at) as mac
  from (values
    ('one',              sha256('k') || sha256('l') || sha256('m') || sha256('n'), 'ann', 'north', 1, timestamptz '2026-01-01 00:00:00+00'),
    ('the same again',   sha256('k') || sha256('l') || sha256('m') || sha256('n'), 'ann', 'north', 1, timestamptz '2026-01-01 00:00:00+00'),
    ('start of key',       sha256('x') || sha256('l') || sha256('m') || sha256('n'), 'ann', 'north', 1, timestamptz '2026-01-01 00:00:00+00'),
    ('end of key',         sha256('k') || sha256('l') || sha256('m') || sha256('x'), 'ann', 'north', 1, timestamptz '2026-01-01 00:00:00+00'),
    ('person',           sha256('k') || sha256('l') || sha256('m') || sha256('n'), 'sue', 'north', 1, timestamptz '2026-01-01 00:00:00+00'),
    ('tenant',           sha256('k') || sha256('l') || sha256('m') || sha256('n'), 'ann', 'south', 1, timestamptz '2026-01-01 00:00:00+00'),
    ('no tenant',        sha256('k') || sha256('l') || sha256('m') || sha256('n'), 'ann', '',      1, timestamptz '2026-01-01 00:00:00+00'),
    ('backend',          sha256('k') || sha256('l') || sha256('m') || sha256('n'), 'ann', 'north', 2, timestamptz '2026-01-01 00:00:00+00'),
    ('transaction',      sha256('k') || sha256('l') || sha256('m') || sha256('n'), 'ann', 'north', 1, timestamptz '2026-01-01 00:00:00.000001+00')
  ) as input (what, key, person, tenant, pid, started_at);

select matches((select mac from mac where what = 'one'), '^[0-9a-f]{96}$', 'a MAC is 96 hexadecimal characters');
select is((select mac from mac where what = 'one'),
    '8ecc762ef9e8a2e208df1b7ff9af7b0dd8d499694320fabed2f6ccada8585e44266d128cb2f549007dc32fe1a84b3674',
    'it is sha384 over key, person/tenant, backend and microseconds since 2000, as computed elsewhere');
select is((select mac from mac where what = 'the same again'), (select mac from mac where what = 'one'), 'the same context gives the same MAC');
select isnt(mac, (select mac from mac where what = 'one'), 'another ' || what || ' gives another MAC') from mac where what not in ('one', 'the same again');
select tests.act_as('app_user');
select throws_ok($$ select core.context_mac('', '', '', 1, now()) $$, '42501', 'permission denied for function context_mac', 'application roles do not compute MACs');

select * from finish();
rollback;

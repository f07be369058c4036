"""Limiter, idempotency keys and cache against the cheapest statements there are.

How much is a refusal next to `select 1`, an allowed request next to a one-row insert, a replay next to a look-up by
primary key, a cache hit next to what it saves, a write that invalidates next to one that does not? And what share of
look-ups hits when reads are Zipf distributed and one in twenty requests writes?

Beside a refusal stands what no function with its owner's rights goes below that asks a table: one look-up, and one that
gives back a refusal stored ready, with the columns of core.rate_limit. And the design that the target was taken from: a
time for each key, no policies, no owner's rights, nothing counted; its ratio says what the target is worth on the
machine at hand.

Everything is prepared and sent by libpq from one connection, in turns: the ratios are those a client sees. Beside
them the processor time of the server process, which no neighbour's load lengthens.

Refusals are measured twice, alone on the one page the table has, and among 10,000 other keys, by the index, as in a
service at work. What comes after stays among them: plans for one page would go on reading the whole table while the
bench fills it, since its server has no autovacuum to have them look again.

usage: bench/limits.py [ROUNDS]
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import psycopg
from psycopg import pq

from dbkit.config import load_config
from dbkit.postgres import Database, Recipe, Server, Step, open_server
from dbkit.recipe import project_recipe
from harness import Samples, interleave, table, verdict

LOAD = """
insert into core.users (id, email, name)
select md5('owner' || n)::uuid, 'owner' || n || '@example.com', 'Owner ' || n from generate_series(1, 200) n;
insert into core.tenants (id, system, name, owner_user_id)
select md5('tenant' || n)::uuid, 'crm', 'Tenant ' || n, md5('owner' || n)::uuid from generate_series(1, 200) n;
insert into core.memberships (tenant_id, user_id, role_key)
select md5('tenant' || n)::uuid, md5('owner' || n)::uuid, 'OWNER' from generate_series(1, 200) n;
insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds, algorithm)
values ('full_exact', 'user', 60, 86400, 'exact'), ('full_gcra', 'user', 60, 86400, 'gcra'),
       ('wide_exact', 'user', 100, 1, 'exact'), ('wide_gcra', 'user', 1000000, 1, 'gcra');
do $do$
begin
    -- Roles belong to the cluster: a saved one may hold it already.
    if not exists (select from pg_roles where rolname = 'bench_user') then
        create role bench_user login in role app_user, app_anon;
    end if;
end
$do$;
-- What the figures are compared with. A logged and an unlogged row, a key, and a table whose writes invalidate.
create schema bench;
create table bench.rows (id bigint generated always as identity primary key, note text, at timestamptz default now());
create unlogged table bench.unlogged_rows (like bench.rows including all);
create table bench.keys (key text primary key, response jsonb);
create function bench.look_up(p_key text) returns jsonb
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $fn$ begin return (select response from bench.keys where key = p_key); end $fn$;
insert into bench.keys values ('k', '{"id": 1}');
create table bench.answers (
    policy text, key text, allowed boolean, max_requests integer, remaining integer, retry_after integer,
    reset_at timestamptz, primary key (policy, key)
);
insert into bench.answers values ('full_exact', 'k', false, 60, 0, 1, now());
create function bench.answer(p_policy text, p_key text)
returns table (allowed boolean, max_requests integer, remaining integer, retry_after integer, reset_at timestamptz)
    language plpgsql stable security definer rows 1 set search_path = pg_catalog, pg_temp
as $fn$
begin
    return query
    select a.allowed, a.max_requests, a.remaining, a.retry_after, a.reset_at
      from bench.answers as a
     where a.policy = p_policy
       and a.key = p_key;
end
$fn$;
create unlogged table bench.times (key text primary key, at timestamptz not null);
insert into bench.times values ('k', now() + interval '1 day');
create function bench.design(p_key text, p_max double precision, p_window interval, p_burst double precision)
returns double precision
    language plpgsql
as $fn$
declare
    v_step    interval := p_window / p_max;
    v_allowed interval := p_window / p_max * p_burst;
    v_at      timestamptz;
    v_now     timestamptz := clock_timestamp();
begin
    select at into v_at from bench.times where key = p_key;
    if v_at is not null and v_at + v_step - v_allowed > v_now then
        return extract(epoch from v_at - v_now);
    end if;
    return 0;
end
$fn$;
create table bench.plain (tenant_id uuid, id integer, amount numeric, primary key (tenant_id, id));
create table bench.guarded (like bench.plain including all);
insert into bench.plain
select md5('tenant' || t)::uuid, n, n from generate_series(1, 200) t, generate_series(1, 500) n;
insert into bench.guarded select * from bench.plain;
select core.attach_cache_invalidation('bench.guarded', 'customers', 'tenant_id');
grant usage on schema bench to bench_user;
grant select, insert, update on all tables in schema bench to bench_user;
"""
CROWD = """
insert into core.rate_limits (max_requests, updated_at, policy, key)
select 60, now(), 'full_exact', 'user:' || md5(n::text)::uuid from generate_series(1, 10000) n
"""
CONTEXT = "select core.set_context(md5('owner1')::uuid, md5('tenant1')::uuid)"
SUM = "select jsonb_build_object('total', sum(amount)) from bench.guarded where tenant_id = md5('tenant1')::uuid"
REQUESTS = 10_000
# A write hits the tenants and policies that are read; a policy has a few entries, e.g. pages of a list.
TENANTS, POLICIES, PAGES, WRITES = 100, 11, 3, 0.05


def main(rounds: int) -> None:
    config = load_config()
    base = project_recipe(config, seeds="production")
    recipe = Recipe((*base.steps, Step("bench limits", LOAD, load)))
    with open_server(config, recipe) as server, server.template(recipe).clone() as database:
        print(f"PostgreSQL {server.version}, load average {os.getloadavg()[0]:.1f}, {rounds} rounds")
        with connected(server, database) as connection:
            limiter(connection, database, rounds)
            idempotency(connection, rounds)
            cache(connection, rounds)
            zipf(connection)


def load(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(LOAD)
        connection.execute("vacuum analyze")


@contextmanager
def connected(server: Server, database: Database) -> Iterator[pq.PGconn]:
    connection = pq.PGconn.connect(server.conninfo(database.name, "bench_user").encode())
    assert connection.status == pq.ConnStatus.OK, connection.error_message
    yield connection
    connection.finish()


def limiter(connection: pq.PGconn, database: Database, rounds: int) -> None:
    """Refusals and allowed requests, each a transaction of its own; then refusals of a signed-in user."""
    for policy in ("full_exact", "full_gcra"):
        for _ in range(62):
            run(connection, f"select core.rate_limit('{policy}', 'k')")
    refusals = {
        "refused, exact": "select * from core.rate_limit('full_exact', 'k')",
        "refused, gcra": "select * from core.rate_limit('full_gcra', 'k')",
    }
    written = wal(connection, refusals["refused, exact"], 1000)
    look_ups = {
        "look-up by key": "select response from bench.keys where key = 'k'",
        "the same in a function": "select bench.look_up('k')",
        "a stored refusal in one": "select * from bench.answer('full_exact', 'k')",
        "the target's design": "select bench.design('k', 100, '1 minute', 10)",
    }
    compare(connection, rounds, {"select 1": "select 1", **look_ups, **refusals}, "a refusal")
    print(f"WAL of 1,000 refusals: {written} bytes (target 0): {'met' if written == 0 else 'MISSED'}")
    with psycopg.connect(database.conninfo, autocommit=True) as admin:
        admin.execute(CROWD)
        admin.execute("analyze core.rate_limits")
    compare(connection, rounds, {"select 1": "select 1", **look_ups, **refusals}, "a refusal among 10,000 other keys")
    compare(
        connection,
        rounds,
        {
            "insert a row": "insert into bench.rows (note) values ('x')",
            "insert an unlogged row": "insert into bench.unlogged_rows (note) values ('x')",
            "allowed, exact, new key": "select * from core.rate_limit('wide_exact', md5(random()::text))",
            "allowed, gcra, new key": "select * from core.rate_limit('wide_gcra', md5(random()::text))",
            "allowed, gcra, one key": "select * from core.rate_limit('wide_gcra', 'k')",
        },
        "an allowed request",
    )
    with transaction(connection):
        run(connection, "select core.rate_limit('full_exact', p_key => null) from generate_series(1, 62)")
    compare(
        connection,
        rounds,
        {
            "select 1": "select 1",
            "refused": "select * from core.rate_limit('full_exact')",
            "allowed": "select * from core.rate_limit('wide_gcra')",
        },
        "a limit of the signed-in user, in a request: begin, set_context, the statement, commit",
        in_request=True,
    )


def idempotency(connection: pq.PGconn, rounds: int) -> None:
    with transaction(connection):
        run(connection, "select core.idempotent_begin('s', 'k', '{}'), core.idempotent_finish('s', 'k', '{\"id\": 1}')")
    compare(
        connection,
        rounds,
        {
            "look-up by key": "select response from bench.keys where key = 'k'",
            "replay": "select core.idempotent_begin('s', 'k', '{}')",
            "insert a row": "insert into bench.rows (note) values ('x')",
            "begin and finish": "select core.idempotent_begin('s', k, '{}'), core.idempotent_finish('s', k, '{}')"
            " from (select md5(random()::text) offset 0) as new (k)",
        },
        "an idempotency key, in a request",
        in_request=True,
    )


def cache(connection: pq.PGconn, rounds: int) -> None:
    with transaction(connection):
        run(connection, "select core.cache_get('customers', 'sum')")
        run(connection, f"select core.cache_set('customers', 'sum', ({SUM}))")
    compare(
        connection,
        rounds,
        {
            "select 1": "select 1",
            "sum of 500 rows": SUM,
            "cache hit": "select core.cache_get('customers', 'sum')",
            "cache miss": "select core.cache_get('customers', 'none')",
            "cache set": "select core.cache_set('customers', 'other', '1')",
        },
        "the cache, in a request",
        in_request=True,
    )
    update = "update bench.{} set amount = amount + 1 where tenant_id = md5('tenant1')::uuid and id = 7"
    compare(
        connection,
        rounds,
        {"update a row": update.format("plain"), "update that invalidates": update.format("guarded")},
        "a write",
    )


def zipf(connection: pq.PGconn) -> None:
    """The share of hits over many tenants."""
    chance = random.Random(1)
    tenants, policies, pages = (cumulative(size) for size in (TENANTS, POLICIES, PAGES))
    names = column(
        connection,
        "select name from core.cache_policies where varies_by = 'tenant' and priority <> 'NEVER' order by name",
    )
    names = names[:POLICIES]
    hits = looked = 0
    for number in range(2 * REQUESTS):
        is_warm = number >= REQUESTS
        tenant = 1 + draw(chance, tenants)
        name = names[draw(chance, policies)]
        run(connection, "begin")
        run(connection, f"select core.set_context(md5('owner{tenant}')::uuid, md5('tenant{tenant}')::uuid)")
        if chance.random() < WRITES:
            run(connection, f"select core.cache_invalidate_tag(tag) from core.cache_policies where name = '{name}'")
        else:
            key = f"page{draw(chance, pages)}"
            looked += is_warm
            if column(connection, f"select core.cache_get('{name}', '{key}')")[0]:
                hits += is_warm
            else:
                run(connection, f"select core.cache_set('{name}', '{key}', '[1]')")
        run(connection, "commit")
    rate = hits / looked
    print(
        f"\nZipf over {TENANTS} tenants, {len(set(names))} policies and {PAGES} pages, {WRITES:.0%} writes,"
        f" {REQUESTS:,} requests after as many to fill it"
    )
    print(f"hit rate: {rate:.1%} (target > 80%): {'met' if rate > 0.8 else 'MISSED'}")


def cumulative(size: int) -> list[float]:
    return list(accumulate(1 / rank for rank in range(1, size + 1)))


def draw(chance: random.Random, weights: list[float]) -> int:
    return chance.choices(range(len(weights)), cum_weights=weights)[0]


def compare(
    connection: pq.PGconn, rounds: int, statements: Mapping[str, str], what: str, *, in_request: bool = False
) -> None:
    """Time statements in turns and print them as multiples of the first.

    Args:
        in_request: each in a transaction that sets its context first, as a request does; the first one, too.
    """
    calls = {name: prepared(connection, sql, in_request) for name, sql in statements.items()}
    samples = interleave(calls, rounds, warm_up=50)
    base = next(iter(statements))
    rows = []
    for name, call in calls.items():
        rows.append(
            (name, f"{micros(samples[name]):.1f}", f"{ratio(samples, name, base):.2f}", f"{cpu(connection, call):.1f}")
        )
    print(f"\n{what}")
    print(table(("", "µs", f"× {base}", "server CPU µs"), rows))
    for sql in statements.values():
        run(connection, f"deallocate {prepared_name(sql)}")
    for name in statements:
        if name.startswith("refused"):
            print(verdict(name, ratio(samples, name, base), 1.3, " ×"))


def micros(samples: Samples) -> float:
    return samples.quartile * 1e6


def ratio(samples: dict[str, Samples], name: str, base: str) -> float:
    return samples[name].quartile / samples[base].quartile


def cpu(connection: pq.PGconn, call: Callable[[], object], times: int = 500) -> float:
    """Processor time of the server process for one call, in microseconds."""
    before = run_time(connection.backend_pid)
    for _ in range(times):
        call()
    return (run_time(connection.backend_pid) - before) / times / 1000


def run_time(process: int) -> int:
    """Nanoseconds a process has run."""
    return int(Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()[0])


def wal(connection: pq.PGconn, sql: str, times: int) -> int:
    """Bytes of write-ahead log that a statement adds; nobody else writes."""
    position = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')"
    before = int(column(connection, position)[0])
    for _ in range(times):
        run(connection, sql)
    return int(column(connection, position)[0]) - before


@contextmanager
def transaction(connection: pq.PGconn) -> Iterator[None]:
    """One transaction with the context of a signed-in user."""
    run(connection, "begin")
    run(connection, CONTEXT)
    yield
    run(connection, "commit")


def prepared(connection: pq.PGconn, sql: str, in_request: bool = False) -> Callable[[], None]:
    name = prepared_name(sql).encode()
    expect(connection.prepare(name, sql.encode()))

    def call() -> None:
        expect(connection.exec_prepared(name, []))

    def request() -> None:
        with transaction(connection):
            call()

    return request if in_request else call


def prepared_name(sql: str) -> str:
    return f"p{abs(hash(sql))}"


def run(connection: pq.PGconn, sql: str) -> None:
    expect(connection.exec_(sql.encode()))


def column(connection: pq.PGconn, sql: str) -> list[str]:
    """The first column of the rows, '' for null."""
    result = connection.exec_(sql.encode())
    expect(result)
    return [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]


def expect(result: pq.abc.PGresult) -> None:
    if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        raise RuntimeError(result.error_message.decode())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)

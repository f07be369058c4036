"""Row security against a filter written by hand: same tables, same indexes, same queries.

The baseline is a role that bypasses row security and filters by the tenant itself. Beside it the project's policies in
each isolation mode. Two questions: what does a policy cost per statement (context already set), and what does a whole
transaction cost that sets its context first. Then: does a list stay flat while other tenants' rows grow?

usage: bench/rls.py [ROUNDS]
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import psycopg
from psycopg import pq

from dbkit.config import Config, load_config
from dbkit.postgres import Database, Recipe, Server, Step, Template, open_server
from dbkit.recipe import project_recipe
from dbkit.source import sql_root
from harness import Samples, geometric_mean, interleave, table, verdict

MODES = ("trusted", "sealed", "signed")
HAND = "hand"

# 100 landlords with 50 members each, 1,000 to 5,000 units and 2,000 tickets, in random order as years of business leave
# them.
LOAD = """
insert into core.users (id, email, name)
select md5('landlord' || n)::uuid, 'landlord' || n || '@example.com', 'Landlord ' || n from generate_series(1, 100) n;
insert into core.tenants (id, system, name, owner_user_id)
select id, 'rental', name, id from core.users;
insert into core.memberships (tenant_id, user_id, role_key)
select id, id, 'OWNER' from core.users;
insert into core.users (id, email, name)
select md5('member' || n)::uuid, 'member' || n || '@example.com', 'Member ' || n from generate_series(1, 4900) n;
insert into core.memberships (tenant_id, user_id, role_key)
select md5('landlord' || 1 + n % 100)::uuid, md5('member' || n)::uuid, 'ADMIN' from generate_series(1, 4900) n;
insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)
select md5('landlord' || n)::uuid, md5('unit' || n || '-' || u)::uuid, 'Unit ' || lpad(u::text, 5, '0'),
       u || ' Main St', 'City ' || u % 50, 'ST', lpad((u % 1000)::text, 5, '0')
  from generate_series(1, 100) n, generate_series(1, 1000 + n % 5 * 1000) u order by random();
insert into rental.tickets (owner_user_id, id, unit_id, title, status, created_at)
select md5('landlord' || n)::uuid, md5('ticket' || n || '-' || t)::uuid, md5('unit' || n || '-' || 1 + t % 1000)::uuid,
       'Ticket ' || t, (array['OPEN', 'IN_PROGRESS', 'WAITING', 'RESOLVED', 'CLOSED'])[1 + t % 5],
       timestamptz '2026-01-01' + t * interval '1 minute'
  from generate_series(1, 100) n, generate_series(1, 2000) t order by random();
do $do$
begin
    -- Roles belong to the cluster: a saved one may hold them already.
    if not exists (select from pg_roles where rolname = 'bench_hand') then
        create role bench_hand login bypassrls;
        create role bench_user login in role app_user;
    end if;
end
$do$;
grant usage on schema core, rental to bench_hand;
grant select on core.users, core.tenants, core.memberships to bench_hand;
grant select, insert, update on all tables in schema rental to bench_hand;
"""
# What autovacuum has done on a server that lives. The one row of core.context_keys it never sees.
VACUUM = tuple(
    f"vacuum analyze {name}"
    for name in ("rental.units", "rental.tickets", "core.users", "core.tenants", "core.memberships")
)
# More rows of other tenants for the growth question.
GROW = """
insert into rental.units (owner_user_id, name, address1, city, state, postal_code)
select md5('landlord' || 2 + n % 99)::uuid, 'Grown ' || n, n || ' Main St', 'City', 'ST', '00000'
  from generate_series(1, {rows}) n
"""
PLAIN_SETTINGS = (
    "select set_config('app.user_id', md5('landlord1')::uuid::text, true),"
    " set_config('app.tenant_id', md5('landlord1')::uuid::text, true)"
)
LANDLORD = "md5('landlord1')::uuid"
# The same with the look-ups that no form of the membership check can do without, and no function around them.
CHECKED_SETTINGS = (
    f"{PLAIN_SETTINGS} from core.memberships as m join core.users as u on u.id = m.user_id"
    " join core.tenants as t on t.id = m.tenant_id"
    f" where m.user_id = {LANDLORD} and m.tenant_id = {LANDLORD} and m.status = 'active' and u.is_active"
    " and t.status = 'active' and t.deleted_at is null"
)

# {and_tenant} and {where_tenant} are the hand-written filter, empty under row security. $1 is a unit, $2 a ticket.
LISTS = {
    "list 50": "select id, name, address1, city from rental.units {where} order by name, id limit 50",
    "list 1,000": "select id, name, address1, city from rental.units {where} order by name, id limit 1000",
    "offset 900": "select id, name from rental.units {where} order by name, id limit 50 offset 900",
    "keyset": "select id, name from rental.units"
    " where (name, id) > ('Unit 00500', '00000000-0000-0000-0000-000000000000') {and} order by name, id limit 50",
    "dashboard": "select status, count(*) from rental.tickets {where} group by status",
}
POINTS = {
    "primary key": "select name from rental.units where id = md5('unit1-7')::uuid {and}",
    "status": "select id, title from rental.tickets where status = 'OPEN' {and} limit 50",
    "count": "select count(*) from rental.units {where}",
    "join 3": "select t.id, t.title, u.name from rental.tickets t"
    " join rental.units u on u.owner_user_id = t.owner_user_id and u.id = t.unit_id"
    " left join rental.tenants r on r.owner_user_id = t.owner_user_id and r.id = t.tenant_id"
    " where t.status = 'OPEN' {and t} order by t.created_at desc limit 20",
    "insert 1": "insert into rental.units (owner_user_id, name, address1, city, state, postal_code)"
    " values (" + LANDLORD + ", 'new', '1 Main St', 'City', 'ST', '00000')",
    "update 1": "update rental.tickets set title = 'changed' where id = md5('ticket1-7')::uuid {and}",
}


@dataclass
class Contender:
    """A connection that runs the queries one way, and how its transactions begin."""

    name: str
    connection: pq.PGconn
    filtered: bool
    context: str | None

    def sql(self, query: str) -> str:
        condition = f"{{}}owner_user_id = {LANDLORD}" if self.filtered else ""
        return (
            query.replace("{where}", f"where {condition.format('')}" if self.filtered else "")
            .replace("{and t}", f"and {condition.format('t.')}" if self.filtered else "")
            .replace("{and}", f"and {condition.format('')}" if self.filtered else "")
        )

    def run(self, sql: str) -> None:
        expect(self.connection.exec_(sql.encode()))

    def statement(self, sql: str, prepared: bool) -> Callable[[], None]:
        if not prepared:
            return lambda: self.run(sql)
        name = f"p{abs(hash(sql))}".encode()
        expect(self.connection.prepare(name, sql.encode()))
        return lambda: expect(self.connection.exec_prepared(name, []))

    def transaction(self, query: str, protocol: str) -> Callable[[], None]:
        """begin, context, query, commit.

        Args:
            protocol: simple or prepared: a round trip each; pipelined: unprepared, sent and answered together.
        """
        parts = ["begin", *([self.context] if self.context else []), self.sql(query), "commit"]
        if protocol == "pipelined":
            return lambda: pipelined(self.connection, parts)
        self.run("deallocate all")
        steps = [self.statement(part, protocol == "prepared") for part in parts]

        def run() -> None:
            for step in steps:
                step()

        return run


def main(rounds: int) -> None:
    config = load_config()
    recipe = loaded_recipe(config)
    with open_server(config, recipe) as server, ExitStack() as stack:
        template = server.template(recipe)
        # A database each: open transactions of two contenders would wait for each other's row locks.
        databases = {name: stack.enter_context(template.clone()) for name in (HAND, *MODES)}
        for mode in MODES:
            switch_mode(config, databases[mode], mode)
        contenders = [connect(server, name, database) for name, database in databases.items()]
        print(f"PostgreSQL {server.version}, load average {os.getloadavg()[0]:.1f}, {rounds} rounds")
        per_statement(contenders, rounds)
        per_transaction(server, databases[HAND], contenders[1:], rounds)
        sequential_scans(contenders)
        growth(server, template, config, rounds)


def loaded_recipe(config: Config) -> Recipe:
    base = project_recipe(config, seeds="production")

    def load(conninfo: str) -> None:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            # Until its commit record is flushed, VACUUM marks none of a transaction's rows visible to all.
            connection.execute("set synchronous_commit = on")
            connection.execute(LOAD)
            for statement in VACUUM:
                connection.execute(statement)

    return Recipe((*base.steps, Step("bench rls", LOAD, load)))


def switch_mode(config: Config, database: Database, mode: str) -> None:
    """Replace the context functions by those of another mode; policies stay as they are."""
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        for kind in ("schema", "policies"):
            for path in sorted((sql_root(config) / kind / "core").glob(f"*.{mode}.sql")):
                text = re.sub(r"(?m)^create function", "create or replace function", path.read_text())
                connection.execute(text.encode(), prepare=False)


def connect(server: Server, name: str, database: Database) -> Contender:
    user = "bench_hand" if name == HAND else "bench_user"
    connection = pq.PGconn.connect(server.conninfo(database.name, user).encode())
    assert connection.status == pq.ConnStatus.OK, connection.error_message
    context = None
    if name == "signed":
        with psycopg.connect(database.conninfo, autocommit=True) as admin:
            admin.execute("begin")
            row = admin.execute(f"select core.issue_token({LANDLORD}, {LANDLORD})").fetchone()
            admin.execute("commit")
            assert row is not None
        context = f"select core.set_context_signed('{row[0]}')"
    elif name != HAND:
        context = f"select core.set_context({LANDLORD}, {LANDLORD})"
    return Contender(name, connection, name == HAND, context)


def per_statement(contenders: list[Contender], rounds: int) -> None:
    """The policy alone: the context was set when the transaction began."""
    for protocol, target in (("prepared", 1.10), ("simple", 1.20)):
        measured = {}
        for name, query in {**LISTS, **POINTS}.items():
            with open_transactions(contenders):
                runs = {c.name: c.statement(c.sql(query), protocol == "prepared") for c in contenders}
                measured[name] = interleave(runs, rounds, warm_up=8)
        print(f"\nper statement, {protocol}: ratio to the hand-written filter")
        show_ratios(measured, HAND)
        lists = [measured[name] for name in LISTS]
        print(verdict(f"trusted, {protocol}, geometric mean of the lists", mean_ratio(lists, "trusted", HAND), target))


def per_transaction(server: Server, hand: Database, modes: list[Contender], rounds: int) -> None:
    """begin, set the context, query, commit.

    The baseline filters by hand and writes the same settings without a check, as an application does that keeps its
    tenant in a setting. The column "own check" looks the membership up in that statement, without functions or row
    security: the floor of every mode that checks. "no context" does not even write the settings.
    """
    taking_part = modes[:]
    for name, context in (("set_config", PLAIN_SETTINGS), ("no context", None), ("own check", CHECKED_SETTINGS)):
        # A connection each: one that ran just before would have warm caches.
        taking_part.append(replace(connect(server, HAND, hand), name=name, context=context))
    for protocol, how in (
        ("simple", "a round trip a statement"),
        ("prepared", "a round trip a statement"),
        ("pipelined", "unprepared, one round trip"),
    ):
        measured = {
            name: interleave({c.name: c.transaction(query, protocol) for c in taking_part}, rounds, warm_up=8)
            for name, query in LISTS.items()
        }
        print(f"\nper transaction with its context, {protocol}, {how}: ratio to a hand-written filter after set_config")
        show_ratios(measured, "set_config")
        sealed = mean_ratio(list(measured.values()), "sealed", "set_config")
        print(verdict(f"sealed, per transaction, {protocol}", sealed, 1.25))


def show_ratios(measured: dict[str, dict[str, Samples]], base: str) -> None:
    names = [name for name in next(iter(measured.values())) if name != base]
    rows = [
        (query, f"{samples[base].quartile * 1e6:.0f}", *(f"{ratio(samples, name, base):.2f}" for name in names))
        for query, samples in measured.items()
    ]
    means = (f"{mean_ratio(list(measured.values()), name, base):.2f}" for name in names)
    print(table(("", f"{base} µs", *names), [*rows, ("geometric mean", "", *means)]))


def ratio(samples: dict[str, Samples], name: str, base: str) -> float:
    return samples[name].quartile / samples[base].quartile


def mean_ratio(measured: list[dict[str, Samples]], name: str, base: str) -> float:
    return geometric_mean([ratio(samples, name, base) for samples in measured])


def sequential_scans(contenders: list[Contender]) -> None:
    found = []
    for contender in contenders:
        with open_transactions([contender]):
            for name, query in {**LISTS, **POINTS}.items():
                result = contender.connection.exec_(f"explain {contender.sql(query)}".encode())
                lines = [(result.get_value(row, 0) or b"").decode() for row in range(result.ntuples)]
                found += [f"{contender.name}: {name}: {line.strip()}" for line in lines if "Seq Scan" in line]
    print(f"\nsequential scans in {len(LISTS) + len(POINTS)} plans of each contender: {len(found)} (target 0)")
    print("\n".join(found))


def growth(server: Server, template: Template, config: Config, rounds: int) -> None:
    """List 50 among 10 thousand to a million rows of other tenants: one database each, asked in turn."""
    sizes = (10_000, 100_000, 1_000_000)
    with ExitStack() as stack:
        contenders = {}
        for size in sizes:
            database = stack.enter_context(template.clone())
            switch_mode(config, database, "trusted")
            with psycopg.connect(database.conninfo, autocommit=True) as admin:
                admin.execute("set session_replication_role = replica")  # no triggers: only the rows matter here
                admin.execute(f"delete from rental.units where owner_user_id <> {LANDLORD}")
                admin.execute(GROW.format(rows=size))
                admin.execute("vacuum analyze rental.units")
            for name in (HAND, "trusted"):
                contenders[name, size] = connect(server, name, database)
        with open_transactions(list(contenders.values())):
            runs = {
                f"{name} {size}": contender.statement(contender.sql(LISTS["list 50"]), True)
                for (name, size), contender in contenders.items()
            }
            samples = interleave(runs, rounds * 3, warm_up=20)
        for contender in contenders.values():
            contender.connection.finish()
    rows = []
    for size in sizes:
        figures = (f"{samples[f'{name} {size}'].quartile * 1e6:.0f}" for name in (HAND, "trusted"))
        rows.append((f"{size:,}", *figures, f"{ratio(samples, f'trusted {size}', f'{HAND} {size}'):.2f}"))
    listed = [samples[f"trusted {size}"].quartile for size in sizes]
    print("\nlist 50 while other tenants grow, prepared, µs")
    print(table(("rows of others", "hand", "trusted", "ratio"), rows))
    print(verdict("largest to smallest", max(listed) / listed[0], 1.3))


@contextmanager
def open_transactions(contenders: list[Contender]) -> Iterator[None]:
    for contender in contenders:
        contender.run("begin")
        if contender.context:
            contender.run(contender.context)
    try:
        yield
    finally:
        for contender in contenders:
            contender.run("rollback")
            contender.run("deallocate all")


def pipelined(connection: pq.PGconn, statements: list[str]) -> None:
    connection.enter_pipeline_mode()
    for statement in statements:
        connection.send_query_params(statement.encode(), None)
    connection.pipeline_sync()
    while True:
        result = connection.get_result()
        if result is None:
            continue  # end of one statement's results
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            break
        expect(result)
    connection.exit_pipeline_mode()


def expect(result: pq.abc.PGresult) -> None:
    if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        raise RuntimeError(result.error_message.decode())


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)

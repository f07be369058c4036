"""Races of the limiter, of idempotency keys and of the cache: held locks, a crashed owner, a late commit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb
from test_core import at_once, scalar

from dbkit.config import Config
from dbkit.postgres import Database, open_server
from dbkit.recipe import project_recipe

Connection = psycopg.Connection[Any]

ANN, SUE = uuid4(), uuid4()
NORTH, SOUTH = uuid4(), uuid4()


def found_tenants(conninfo: str) -> str:
    """Make two tenants, north of ann and south of sue."""
    with psycopg.connect(conninfo) as admin:
        for person, tenant, name in ((ANN, NORTH, "north"), (SUE, SOUTH, "south")):
            admin.execute(
                "insert into core.users (id, email, name) values (%s, %s, %s)", (person, f"{name}@example.test", name)
            )
            admin.execute(
                "insert into core.tenants (id, system, name, owner_user_id) values (%s, 'crm', %s, %s)",
                (tenant, name, person),
            )
            admin.execute(
                "insert into core.memberships (tenant_id, user_id, role_key) values (%s, %s, 'OWNER')", (tenant, person)
            )
        # no window ends while a test runs
        admin.execute("update core.rate_limit_policies set window_seconds = 36000")
    return conninfo


@pytest.fixture
def conninfo(core_db: Database) -> str:
    return found_tenants(core_db.conninfo)


@contextmanager
def request(conninfo: str, person: UUID = ANN, tenant: UUID = NORTH) -> Iterator[Connection]:
    """A connection inside one transaction with its context; commits at the end, rolls back on an error."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", (person, tenant))
        yield connection


# The limiter.


@contextmanager
def anybody(conninfo: str) -> Iterator[tuple[Connection, list[str | None]]]:
    """A connection in autocommit mode, and the answers it got without the limiter.

    An overloaded machine may make somebody wait for longer than the 50 ms; that is told, and not counted.
    """
    degraded: list[str | None] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        if notice.message_primary == "rate_limit_degraded":
            degraded.append(notice.message_detail)

    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.add_notice_handler(note)
        connection.execute("set role app_anon")
        yield connection, degraded


@pytest.mark.parametrize("policy", ["landlord_api", "drained"])
def test_twenty_connections_are_allowed_exactly_the_limit(conninfo: str, policy: str) -> None:
    with psycopg.connect(conninfo) as admin:
        admin.execute(
            "insert into core.rate_limit_policies (name, subject_kind, max_requests, window_seconds, algorithm)"
            " values ('drained', 'user', 60, 36000, 'gcra')"
        )

    def hammer(number: int) -> int:
        with anybody(conninfo) as (connection, degraded):
            allowed = sum(
                scalar(connection, "select allowed from core.rate_limit(%s, 'hot')", (policy,)) for _ in range(200)
            )
        return int(allowed) - len(degraded)

    assert sum(at_once(20, hammer)) == 60
    with psycopg.connect(conninfo) as admin:
        assert scalar(admin, "select count(*) from core.rate_limit_violations where policy = %s", (policy,)) == 1


def test_a_refusal_in_every_connection_is_counted(conninfo: str) -> None:
    def refused(number: int) -> tuple[str, int]:
        """How it ended, and how many of its requests were counted as refused."""
        with anybody(conninfo) as (connection, degraded):
            try:
                for _ in range(10):
                    connection.execute("select core.rate_limit_or_raise('strict', 'k')")
            except psycopg.Error as error:
                return str(error.sqlstate), 1 - len(degraded)
        return "all allowed", 0

    outcomes, counted = zip(*at_once(8, refused), strict=True)
    assert outcomes == ("PT429",) * 8
    with psycopg.connect(conninfo) as admin:
        assert scalar(admin, "select core.rate_limit_refusal_count()") == sum(counted)
        assert scalar(admin, "select count(*) from core.rate_limit_violations") == 0


def test_while_the_row_is_locked_the_policy_decides(conninfo: str) -> None:
    def ask(policy: str) -> tuple[object, list[tuple[str | None, str | None]]]:
        notices = []
        with request(conninfo) as connection:
            connection.add_notice_handler(
                lambda notice: notices.append((notice.message_primary, notice.message_detail))
            )
            answer = connection.execute("select * from core.rate_limit(%s)", (policy,)).fetchone()
        assert answer is not None
        return answer[:4], notices

    def detail(policy: str) -> str:
        return f"Policy {policy} could not be applied: canceling statement due to lock timeout."

    for policy in ("user", "strict"):
        ask(policy)
    with request(conninfo) as stuck:
        for policy in ("user", "strict"):
            stuck.execute("select core.rate_limit(%s)", (policy,))
        assert ask("user") == ((True, 100, None, 0), [("rate_limit_degraded", detail("user"))])
        assert ask("strict") == ((False, 5, 0, 1), [("rate_limit_degraded", detail("strict"))])
        # somebody else's limit is another row
        with request(conninfo, SUE, SOUTH) as other:
            assert scalar(other, "select remaining from core.rate_limit('user')") == 99
    assert ask("user") == ((True, 100, 97, 0), [])
    assert ask("strict") == ((True, 5, 2, 0), [])


def test_what_is_undone_is_not_counted_and_the_rest_outlives_the_connection(conninfo: str) -> None:
    with request(conninfo) as first:
        assert scalar(first, "select remaining from core.rate_limit('user')") == 99
    with request(conninfo) as undone:
        assert scalar(undone, "select remaining from core.rate_limit('user')") == 98
        undone.rollback()
    with request(conninfo) as second:
        assert scalar(second, "select remaining from core.rate_limit('user')") == 98


# Idempotency keys.

REQUEST = Jsonb({"amount": 5})


@pytest.fixture
def payments(conninfo: str) -> str:
    """A table of effects to count."""
    with psycopg.connect(conninfo) as admin:
        admin.execute("create table public.payments (id integer generated always as identity)")
        admin.execute("grant select, insert on public.payments to app_user")
    return conninfo


def pay(connection: Connection) -> Any:
    """The way an app function uses a key: begin, do, finish, all in one transaction."""
    stored = scalar(connection, "select core.idempotent_begin('payments.create', 'k', %s)", (REQUEST,))
    if stored is not None:
        return stored
    paid = scalar(connection, "insert into public.payments default values returning id")
    time.sleep(0.1)
    connection.execute("select core.idempotent_finish('payments.create', 'k', %s)", (Jsonb({"payment": paid}),))
    return {"payment": paid}


def test_parallel_callers_have_one_effect_and_one_answer(payments: str) -> None:
    def call(number: int) -> Any:
        with request(payments) as connection:
            return pay(connection)

    assert at_once(8, call) == [{"payment": 1}] * 8
    with psycopg.connect(payments) as admin:
        assert admin.execute("select id from public.payments").fetchall() == [(1,)]


def test_the_second_caller_does_what_the_first_undid(payments: str) -> None:
    with request(payments) as first:
        assert pay(first) == {"payment": 1}

        def second() -> Any:
            with request(payments) as connection:
                return pay(connection)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(second)
            wait_until_blocked(payments)
            first.rollback()
            assert waiting.result(timeout=60) == {"payment": 2}
    with psycopg.connect(payments) as admin:
        assert admin.execute("select id from public.payments").fetchall() == [(2,)]


def test_only_one_takes_a_late_owner_over(conninfo: str) -> None:
    claim = "select outcome, attempt from core.idempotency_claim('import', 'k', '{}')"
    with request(conninfo) as owner:
        assert owner.execute(claim).fetchone() == ("new", 1)
    with psycopg.connect(conninfo) as admin:
        admin.execute("update core.idempotency_keys set lease_until = clock_timestamp()")

    def take_over(number: int) -> Any:
        with request(conninfo) as connection:
            return connection.execute(claim).fetchone()

    assert sorted(at_once(8, take_over)) == [("in_progress", 2)] * 7 + [("new", 2)]


def wait_until_blocked(conninfo: str) -> None:
    """Until a backend of this database waits for another's transaction."""
    with psycopg.connect(conninfo, autocommit=True) as admin:
        deadline = time.monotonic() + 60
        while not scalar(
            admin,
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        ):
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.02)


def test_a_killed_owner_is_taken_over(config: Config) -> None:
    """kill -9 of a backend, in a server of its own: the postmaster restarts all of them."""
    recipe = project_recipe(config, seeds="production")
    with open_server(config, recipe) as server, server.template(recipe).clone() as database:
        # disposable servers do not wait for the log, and a crash loses what has not been written of it
        conninfo = found_tenants(make_conninfo(database.conninfo, options="-c synchronous_commit=on"))
        claim = "select outcome, attempt from core.idempotency_claim(%s, 'k', '{}', '1 hour')"
        owner, witness = psycopg.connect(conninfo), psycopg.connect(conninfo)
        owner.execute("set local role app_user")
        owner.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        assert owner.execute(claim, ("committed",)).fetchone() == ("new", 1)
        owner.commit()
        owner.execute("set local role app_user")
        owner.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        assert owner.execute(claim, ("open",)).fetchone() == ("new", 1)
        assert scalar(owner, "select remaining from core.rate_limit('user')") == 99
        os.kill(owner.info.backend_pid, signal.SIGKILL)
        wait_until_up(conninfo, witness)

        with request(conninfo) as next_caller:
            # What was not committed never happened; what was is the owner's until its lease ends.
            assert next_caller.execute(claim, ("open",)).fetchone() == ("new", 1)
            assert next_caller.execute(claim, ("committed",)).fetchone() == ("in_progress", 1)
            # the limiter forgets, and works
            assert scalar(next_caller, "select remaining from core.rate_limit('user')") == 99
        with psycopg.connect(conninfo) as admin:
            admin.execute("update core.idempotency_keys set lease_until = clock_timestamp() where scope = 'committed'")
        with request(conninfo) as next_caller:
            assert next_caller.execute(claim, ("committed",)).fetchone() == ("new", 2)
            next_caller.execute("select core.idempotent_finish('committed', 'k', '1', 2)")


def wait_until_up(conninfo: str, witness: Connection) -> None:
    """Until the crash has ended a connection that had no part in it, and the server answers again."""
    deadline = time.monotonic() + 60
    with pytest.raises(psycopg.OperationalError):
        while time.monotonic() < deadline:
            witness.execute("select 1")
            time.sleep(0.02)
    while True:
        try:
            psycopg.connect(conninfo).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "the server did not come back"
            time.sleep(0.1)


# The cache.


@pytest.fixture
def prices(conninfo: str) -> str:
    """A tenant table whose sum is cached, with a row of each tenant."""
    with psycopg.connect(conninfo) as admin:
        admin.execute("set local role app_owner")
        admin.execute(
            "create table core.prices (tenant_id uuid, id integer, amount integer, primary key (tenant_id, id))"
        )
        admin.execute("grant select, update on core.prices to app_user")
        admin.execute("select core.attach_tenant_guard('core.prices', 'tenant_id')")
        admin.execute("select core.attach_cache_invalidation('core.prices', 'prices')")
        admin.execute(
            "insert into core.prices select t, n, 1 from unnest(%s::uuid[]) t, generate_series(1, 2) n",
            ([NORTH, SOUTH],),
        )
        admin.execute("set local role app_definer")
        admin.execute(
            "insert into core.cache_policies (name, priority, ttl_seconds, tag) values ('prices', 'P0', 3600, 'prices')"
        )
    return conninfo


def total(connection: Connection, tenant: UUID = NORTH) -> tuple[int, bool]:
    """The cached sum, computed and kept when it is not there; and whether it was there."""
    kept = scalar(connection, "select core.cache_get('prices', 'sum')")
    if kept is not None:
        return kept, True
    computed = scalar(connection, "select sum(amount) from core.prices where tenant_id = %s", (tenant,))
    connection.execute("select core.cache_set('prices', 'sum', %s)", (Jsonb(computed),))
    return computed, False


def seen(conninfo: str) -> tuple[int, bool]:
    with request(conninfo) as connection:
        return total(connection)


RAISE = "update core.prices set amount = amount + 10 where tenant_id = %s and id = %s"


def test_a_commit_makes_it_stale_and_a_rollback_does_not(prices: str) -> None:
    assert [seen(prices), seen(prices)] == [(2, False), (2, True)]
    with request(prices) as writer:
        writer.execute(RAISE, (NORTH, 1))
        assert total(writer) == (12, False)
        assert seen(prices) == (2, True)
        writer.rollback()
    assert seen(prices) == (2, True)
    with request(prices) as writer:
        writer.execute(RAISE, (NORTH, 1))
        assert seen(prices) == (2, True)
    assert [seen(prices), seen(prices)] == [(12, False), (12, True)]


def test_a_value_computed_before_a_commit_is_not_found_after_it(prices: str) -> None:
    with request(prices) as reader:
        assert scalar(reader, "select core.cache_get('prices', 'sum')") is None
        assert scalar(reader, "select sum(amount) from core.prices where tenant_id = %s", (NORTH,)) == 2
        with request(prices) as writer:
            writer.execute(RAISE, (NORTH, 1))
        reader.execute("select core.cache_set('prices', 'sum', '2')")
    assert seen(prices) == (12, False)


def test_a_value_kept_during_a_write_is_not_found_after_its_commit(prices: str) -> None:
    with request(prices) as writer:
        writer.execute(RAISE, (NORTH, 1))
        assert [seen(prices), seen(prices)] == [(2, False), (2, True)]
    assert [seen(prices), seen(prices)] == [(12, False), (12, True)]


def test_a_value_survives_the_purge_only_if_it_is_fresh(prices: str) -> None:
    assert seen(prices) == (2, False)
    with request(prices) as writer:
        writer.execute(RAISE, (NORTH, 1))
        with psycopg.connect(prices) as admin:
            # nothing of the open transaction is forgotten, however long it takes
            admin.execute("select core.cache_purge_expired()")
            admin.execute("update core.cache_invalidations set settled_at = settled_at - interval '1 hour'")
            admin.execute("select core.cache_purge_expired()")
    with psycopg.connect(prices) as admin:
        assert scalar(admin, "select count(*) from core.cache_invalidations where tag = 'prices'") == 1
    assert seen(prices) == (12, False)
    with psycopg.connect(prices) as admin:
        admin.execute("select core.cache_purge_expired()")
        admin.execute("update core.cache_invalidations set settled_at = settled_at - interval '1 hour'")
        admin.execute("select core.cache_purge_expired()")
        assert scalar(admin, "select count(*) from core.cache_invalidations where tag = 'prices'") == 0
    assert seen(prices) == (12, True)


def test_writers_do_not_wait_for_each_other_in_the_cache(prices: str) -> None:
    assert seen(prices) == (2, False)
    with request(prices) as first, request(prices) as second:
        for connection in (first, second):
            connection.execute("set local lock_timeout = '2s'")
        first.execute(RAISE, (NORTH, 1))
        second.execute(RAISE, (NORTH, 2))
        first.execute("select core.cache_invalidate_tag('other')")
        second.execute("select core.cache_invalidate_tag('other')")
        # nor does one who keeps a value while another transaction keeps it
        first.execute("select core.cache_set('customers', '1', '1')")
        second.execute("select core.cache_set('customers', '1', '2')")
    assert seen(prices) == (22, False)


def test_another_tenants_write_leaves_it_alone(prices: str) -> None:
    assert seen(prices) == (2, False)
    with request(prices, SUE, SOUTH) as writer:
        writer.execute(RAISE, (SOUTH, 1))
        assert total(writer, SOUTH) == (12, False)
    assert seen(prices) == (2, True)

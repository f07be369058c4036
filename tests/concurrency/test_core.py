"""Races of core that one session cannot show: first requests, numbers, stale versions, guesses, stolen seals, keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from together import at_once, found_tenants, scalar

from dbkit.postgres import Database

Connection = psycopg.Connection[Any]
T = TypeVar("T")

ANN, SUE = uuid4(), uuid4()
NORTH, SOUTH = uuid4(), uuid4()
CONTEXT = """
select name, current_setting(name, true)
  from unnest(array['app.user_id', 'app.tenant_id', 'app.seal']) as name
"""


@pytest.fixture
def conninfo(core_db: Database) -> str:
    """core with two tenants, north owned by ann and south by sue, committed."""
    found_tenants(core_db.conninfo, north=(NORTH, ANN), south=(SOUTH, SUE))
    return core_db.conninfo


@contextmanager
def request(
    conninfo: str, person: UUID | None, tenant: UUID | None = None, role: str = "app_user"
) -> Iterator[Connection]:
    """A connection inside one transaction, as an application would have it; commits at the end."""
    with psycopg.connect(conninfo) as connection:
        connection.execute(f"set local role {role}")
        if person is not None:
            connection.execute("select core.set_context(%s, %s)", (person, tenant))
        yield connection


def test_parallel_first_requests_create_one_user(conninfo: str) -> None:
    def first_request(number: int) -> UUID:
        with request(conninfo, None) as connection:
            user: UUID = scalar(connection, "select id from core.upsert_user('new', 'new@example.test', 'New')")
            return user

    ids = at_once(20, first_request)
    assert len(set(ids)) == 1
    with psycopg.connect(conninfo) as admin:
        assert admin.execute("select id from core.users where auth_subject = 'new'").fetchall() == [(ids[0],)]


def test_two_subjects_with_one_address_make_one_user_and_one_refusal(conninfo: str) -> None:
    def first_request(number: int) -> str:
        try:
            with request(conninfo, None) as connection:
                connection.execute("select core.upsert_user(%s, 'new@example.test', 'New')", (f"subject-{number}",))
            return "created"
        except psycopg.Error as error:
            return str(error.sqlstate)

    assert sorted(at_once(8, first_request)) == ["PT409"] * 7 + ["created"]


def test_document_numbers_are_distinct_and_without_gaps(conninfo: str) -> None:
    class UndoneError(Exception):
        pass

    def create(number: int) -> str | None:
        try:
            with request(conninfo, ANN, NORTH) as connection:
                taken: str = scalar(connection, "select core.next_number('job', 'JOB-')")
                if number % 5 == 0:
                    raise UndoneError
            return taken
        except UndoneError:
            return None

    numbers = [number for number in at_once(50, create) if number is not None]
    assert sorted(numbers) == [f"JOB-{number:06}" for number in range(1, 41)]


@pytest.fixture
def counter(conninfo: str) -> UUID:
    """One row of a versioned table of tenant north."""
    row = uuid4()
    with psycopg.connect(conninfo) as admin:
        admin.execute("set local role app_owner")
        admin.execute("create table core.counters (tenant_id uuid, id uuid, value int, version int not null default 0)")
        admin.execute("grant select, update on core.counters to app_user")
        admin.execute("select core.attach_tenant_guard('core.counters', 'tenant_id')")
        admin.execute(
            "create trigger _200_bump_version before update on core.counters"
            " for each row execute function core.tg_bump_version()"
        )
        admin.execute("insert into core.counters (tenant_id, id, value) values (%s, %s, 0)", (NORTH, row))
    return row


UPDATE = "select core.optimistic_update('core.counters', %s, %s, %s, '{value}')"


def test_second_writer_of_a_version_is_refused(conninfo: str, counter: UUID) -> None:
    with request(conninfo, ANN, NORTH) as first, request(conninfo, ANN, NORTH) as second:
        versions = [scalar(connection, "select version from core.counters") for connection in (first, second)]
        assert versions == [0, 0]
        assert scalar(first, UPDATE, (counter, Jsonb({"value": 1}), 0))["version"] == 1
        first.commit()
        with pytest.raises(psycopg.Error) as refused:
            second.execute(UPDATE, (counter, Jsonb({"value": 2}), 0))
        assert (refused.value.sqlstate, refused.value.diag.message_hint) == ("PT409", '{"version": 1}')


def test_no_increment_is_lost(conninfo: str, counter: UUID) -> None:
    def increment(number: int) -> None:
        for _ in range(10):
            while True:
                try:
                    with request(conninfo, ANN, NORTH) as connection:
                        value, version = scalar(connection, "select array[value, version] from core.counters")
                        connection.execute(UPDATE, (counter, Jsonb({"value": value + 1}), version))
                    break
                except psycopg.Error as error:
                    assert error.sqlstate == "PT409"

    at_once(10, increment)
    with psycopg.connect(conninfo) as admin:
        assert admin.execute("select value, version from core.counters").fetchall() == [(100, 100)]


def test_parallel_guesses_count_one_after_the_other(conninfo: str) -> None:
    def guess(number: int) -> str:
        try:
            with request(conninfo, None, role="app_anon") as connection:
                connection.execute("select core.record_login('north@example.test', false, 'bad password')")
            return "recorded"
        except psycopg.Error as error:
            return str(error.sqlstate)

    assert sorted(at_once(12, guess)) == ["PT429"] * 7 + ["recorded"] * 5


def test_a_seal_is_worthless_on_another_connection(conninfo: str) -> None:
    with request(conninfo, ANN, NORTH) as own, request(conninfo, None) as thief:
        for name, value in own.execute(CONTEXT).fetchall():
            thief.execute("select set_config(%s, %s, true)", (name, value))
        assert scalar(thief, "select core.active_tenant_id()") is None
        assert thief.execute("select name from core.tenants").fetchall() == []
        assert scalar(own, "select core.active_tenant_id()") == NORTH
        assert own.execute("select name from core.tenants").fetchall() == [("north",)]


def test_two_users_share_a_connection_without_a_mix_up(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        for turn in range(1000):
            person, tenant = ((ANN, NORTH), (SUE, SOUTH))[turn % 2]
            with connection.transaction():
                connection.execute("set local role app_user")
                assert scalar(connection, "select core.active_tenant_id()") is None
                connection.execute("select core.set_context(%s, %s)", (person, tenant))
                assert connection.execute("select id from core.tenants").fetchall() == [(tenant,)]


def test_rotating_the_key_disturbs_no_request(conninfo: str) -> None:
    with request(conninfo, ANN, NORTH) as running:
        assert scalar(running, "select core.active_tenant_id()") == NORTH
        with psycopg.connect(conninfo, autocommit=True) as admin:
            # a request that holds its context open makes no rotation wait
            admin.execute("set lock_timeout = '2s'")
            admin.execute("select core.rotate_context_key()")
        assert scalar(running, "select core.active_tenant_id()") == NORTH
        with request(conninfo, SUE, SOUTH) as later:
            assert scalar(later, "select core.active_tenant_id()") == SOUTH
            assert scalar(later, "select split_part(current_setting('app.seal'), '.', 1)") != scalar(
                running, "select split_part(current_setting('app.seal'), '.', 1)"
            )


def test_the_first_contexts_of_a_database_agree_on_one_key(conninfo: str) -> None:
    with psycopg.connect(conninfo) as admin:
        admin.execute("delete from core.context_keys")

    def first(number: int) -> UUID:
        with request(conninfo, ANN, NORTH) as connection:
            tenant: UUID = scalar(connection, "select core.active_tenant_id()")
            return tenant

    assert at_once(8, first) == [NORTH] * 8
    with psycopg.connect(conninfo) as admin:
        assert scalar(admin, "select count(*) from core.context_keys") == 1


def test_without_a_key_a_read_only_server_says_so(conninfo: str) -> None:
    with psycopg.connect(conninfo) as admin:
        admin.execute("delete from core.context_keys")
        admin.commit()
        admin.read_only = True
        with pytest.raises(psycopg.Error) as refused:
            admin.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        assert refused.value.sqlstate == "PT503"
        admin.rollback()
        admin.read_only = False
        admin.execute("select core.ensure_context_key()")
        admin.commit()
        admin.read_only = True
        admin.execute("select core.set_context(%s, %s)", (ANN, NORTH))
        assert scalar(admin, "select core.active_tenant_id()") == NORTH


def test_a_database_that_lost_its_key_makes_another(conninfo: str) -> None:
    with psycopg.connect(conninfo) as admin:
        lost = scalar(admin, "delete from core.context_keys returning key")
    with request(conninfo, ANN, NORTH) as connection:
        assert scalar(connection, "select core.active_tenant_id()") == NORTH
    with psycopg.connect(conninfo) as admin:
        assert scalar(admin, "select key from core.context_keys") != lost

"""Two who want one name, or bring one upload token, at the same moment: one of them gets it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from dbkit.postgres import Database

Connection = psycopg.Connection[Any]

ANN, NORTH = uuid4(), uuid4()
AT_ONCE = 6
CREATE = "select token from storage.create_upload('documents', %s, 'application/pdf', 10)"


@pytest.fixture
def conninfo(core_db: Database) -> str:
    """The tenant north, owned by ann, committed."""
    with psycopg.connect(core_db.conninfo) as admin:
        admin.execute("insert into core.users (id, email, name) values (%s, 'ann@example.test', 'ann')", (ANN,))
        admin.execute(
            "insert into core.tenants (id, system, name, owner_user_id) values (%s, 'crm', 'north', %s)", (NORTH, ANN)
        )
        admin.execute(
            "insert into core.memberships (tenant_id, user_id, role_key) values (%s, %s, 'OWNER')", (NORTH, ANN)
        )
    return core_db.conninfo


def reserve(connection: Connection) -> str:
    """Ask for the one name everybody wants; the token."""
    connection.execute("set local role app_user")
    connection.execute("select core.set_context(%s, %s)", (ANN, NORTH))
    row = connection.execute(CREATE, (f"{NORTH}/offer.pdf",)).fetchone()
    assert row is not None
    return str(row[0])


def outcomes(conninfo: str, act: Callable[[Connection], object]) -> list[str]:
    """SQLSTATEs of the same act in several sessions at once, "" where it worked, sorted."""
    start = Barrier(AT_ONCE)

    def run() -> str:
        with psycopg.connect(conninfo) as connection:
            start.wait()
            try:
                act(connection)
            except psycopg.Error as error:
                return error.sqlstate or "?"
            return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(task.result() for task in [pool.submit(run) for _ in range(AT_ONCE)])


def test_one_of_many_gets_the_name(conninfo: str) -> None:
    assert outcomes(conninfo, reserve) == ["", *["PT409"] * (AT_ONCE - 1)]


@pytest.mark.parametrize(
    "use", ["select storage.redeem_grant(%s)", "select storage.finish_upload(%s, 10, repeat('a', 64))"]
)
def test_an_upload_token_works_once(conninfo: str, use: str) -> None:
    with psycopg.connect(conninfo) as connection:
        token = reserve(connection)

    def spend(connection: Connection) -> None:
        connection.execute("set local role app_worker")
        connection.execute(use, (token,))

    assert outcomes(conninfo, spend) == ["", *["PT410"] * (AT_ONCE - 1)]

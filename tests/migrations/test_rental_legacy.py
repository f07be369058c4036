"""The owner backfill: a legacy landlord database becomes the shipped one, and each of its four files has a way back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from dbkit import drift
from dbkit.build import bootstrap
from dbkit.catalog import Snapshot, snapshot
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.migrate import runner
from dbkit.postgres import Database, Server
from dbkit.recipe import project_recipe

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "rental_legacy"
MIGRATIONS = FIXTURE / "migrations"
VERSIONS = [path.name.split("_", 1)[0] for path in sorted(MIGRATIONS.glob("*.sql"))]

# Renters with their landlords, and tickets with landlord and renter.
ROWS = """
    select 'renter', t.email::text, t.first_name, t.unit_id::text, t.id::text
      from rental.tenants as t
    union all
    select 'ticket', k.title, u.name, t.email::text, t.id::text
      from rental.tickets as k
      join core.users as u on u.id = k.owner_user_id
      left join rental.tenants as t on t.id = k.tenant_id
     order by 1, 2, 3, 4, 5
"""
LANDLORDS = """
    select t.first_name, u.name
      from rental.tenants as t
      join core.users as u on u.id = t.owner_user_id
     order by 1, 2
"""
TICKETS = """
    select k.title, landlord.name, renter_of.name
      from rental.tickets as k
      join core.users as landlord on landlord.id = k.owner_user_id
      join rental.tenants as t on t.id = k.tenant_id
      join core.users as renter_of on renter_of.id = t.owner_user_id
     order by 1
"""


@pytest.fixture
def legacy(server: Server, config: Config) -> Iterator[Database]:
    """core as declared, and the legacy tables and rows beside it."""
    with server.template(project_recipe(config, ["core"])).clone() as clone:
        # A clone has no grants of its own on the database, and the legacy schema is made by app_owner.
        bootstrap(clone.conninfo, config)
        run(clone, (FIXTURE / "legacy.sql").read_text())
        yield clone


def run(database: Database, sql: str) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute("set role app_owner")
        connection.execute(sql.encode())


def query(database: Database, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()


def picture(database: Database) -> Snapshot:
    return snapshot(database.conninfo, ["rental"])


def apply(database: Database, config: Config, to: str | None = None) -> None:
    runner.apply(database.conninfo, config, migrations=MIGRATIONS, to=to)


def differences(one: Snapshot, other: Snapshot, about: str = "") -> list[str]:
    """What differs, as "object: message", where the object's name matches a pattern."""
    return [
        f"{finding.object}: {finding.message}"
        for finding in drift.compare(one, other)
        if re.search(about, finding.object or "")
    ]


def test_the_end_is_the_shipped_table(legacy: Database, config: Config, core_db: Database) -> None:
    shipped = r"rental\.(tenants|tenant_owner_quarantine|backfill_tenant_owners)\b"
    assert differences(picture(legacy), picture(core_db), shipped) != []
    apply(legacy, config)
    assert differences(picture(legacy), picture(core_db), shipped) == []


def test_each_renter_gets_the_right_landlord(legacy: Database, config: Config) -> None:
    apply(legacy, config)
    assert query(legacy, LANDLORDS) == [
        ("Ada", "North"),
        ("Ada", "South"),
        ("Ben", "South"),
        ("Cleo", "North"),
        ("Dan", "North"),
        ("Dan", "South"),
    ]
    assert query(legacy, TICKETS) == [
        ("Ada, once at south", "South", "South"),
        ("Cleo at north", "North", "North"),
        ("Dan, first at north", "North", "North"),
        ("Dan, now at south", "South", "South"),
    ]
    assert query(legacy, "select payload ->> 'first_name' from rental.tenant_owner_quarantine") == [("Eve",)]


def test_a_second_backfill_is_a_no_op(legacy: Database, config: Config) -> None:
    apply(legacy, config)
    before = query(legacy, ROWS)
    assert query(legacy, "select * from rental.backfill_tenant_owners()") == [(0, 0, 0)]
    assert query(legacy, ROWS) == before


@pytest.mark.parametrize("number", range(len(VERSIONS)))
def test_up_down_and_up_again(legacy: Database, config: Config, number: int) -> None:
    if number:
        apply(legacy, config, to=VERSIONS[number - 1])
    before, rows = picture(legacy), query(legacy, ROWS)
    apply(legacy, config, to=VERSIONS[number])
    after = picture(legacy)

    runner.revert(legacy.conninfo, config, migrations=MIGRATIONS)
    assert differences(before, picture(legacy)) == []
    assert query(legacy, ROWS) == rows

    apply(legacy, config, to=VERSIONS[number])
    assert differences(after, picture(legacy)) == []


def test_all_the_way_back_gives_the_same_rows(legacy: Database, config: Config) -> None:
    before, rows = picture(legacy), query(legacy, ROWS)
    apply(legacy, config)
    assert query(legacy, ROWS) != rows
    runner.revert(legacy.conninfo, config, migrations=MIGRATIONS, to="0")
    assert differences(before, picture(legacy)) == []
    assert query(legacy, ROWS) == rows


def test_a_late_row_without_a_landlord_stops_the_third_file(legacy: Database, config: Config) -> None:
    apply(legacy, config, to=VERSIONS[1])
    run(legacy, "insert into rental.tenants (first_name, last_name, email) values ('Late', 'Row', 'late@example.com')")
    with pytest.raises(DbkitError) as failure:
        apply(legacy, config)
    assert "tenants_owner_user_id_present" in f"{failure.value} {failure.value.detail}"

    # Once the row has a landlord the file resumes where it stopped.
    run(
        legacy,
        "update rental.tenants as t set owner_user_id = u.id from core.users as u"
        " where t.owner_user_id is null and u.name = 'North'",
    )
    apply(legacy, config)
    assert ("Late", "North") in query(legacy, LANDLORDS)


def test_a_renter_who_is_still_referenced_is_not_lost(legacy: Database, config: Config) -> None:
    run(
        legacy,
        "create table rental.keys (tenant_id uuid not null references rental.tenants (id));"
        "insert into rental.keys select t.id from rental.tenants as t where t.first_name = 'Eve'",
    )
    rows = query(legacy, ROWS)
    with pytest.raises(DbkitError) as failure:
        apply(legacy, config)
    assert "23503" in f"{failure.value} {failure.value.detail}"
    assert query(legacy, ROWS) == rows

"""Snapshots, comparison and the oracle on every PostgreSQL major this machine has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from kitchen_sink import execute, kitchen_template

from dbkit import drift
from dbkit.catalog import Grant, snapshot
from dbkit.config import Config, load_config
from dbkit.dump import compare_dumps
from dbkit.postgres import Server, open_server
from dbkit.postgres.binaries import Binaries, find_binaries

REPO = Path(__file__).resolve().parents[2]


def majors() -> list[Binaries]:
    """The first installation of each major that has what the kitchen needs."""
    config = load_config(REPO / "dbkit.toml")
    found: dict[int, Binaries] = {}
    for binaries in find_binaries(replace(config, postgres=replace(config.postgres, provider="auto"))):
        if binaries.major >= 15 and not binaries.missing(("btree_gist",)):
            found.setdefault(binaries.major, binaries)
    return [found[major] for major in sorted(found)]


def since(first: int) -> list[Binaries]:
    """Those from one major on."""
    return [binaries for binaries in majors() if binaries.major >= first]


@pytest.fixture(scope="module", params=majors(), ids=lambda binaries: str(binaries.major))
def major(request: pytest.FixtureRequest, config: Config) -> Iterator[Server]:
    chosen: Binaries = request.param
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DBKIT_PG_BIN", str(chosen.bin_dir))
        with open_server(replace(config, postgres=replace(config.postgres, provider="local"))) as server:
            yield server


def test_two_builds_are_equal_by_snapshot_and_by_oracle(major: Server) -> None:
    assert major.bin_dir is not None
    with kitchen_template(major).clone() as one, kitchen_template(major).clone() as two:
        taken = snapshot(one.conninfo)
        assert drift.compare(taken, snapshot(two.conninfo)) == []
        assert compare_dumps(one.conninfo, two.conninfo, major.bin_dir / "pg_dump") == []
    assert len(taken.tables) == 8


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("alter policy fence on app.things using (tenant_id is null)", "policy fence on app.things"),
        ("grant update (made_at) on app.things to kitchen_app", "column app.things.made_at"),
        ("alter view app.open_things reset (security_invoker)", "view app.open_things"),
        ("alter function app.tenant() leakproof", "function app.tenant()"),
        ("alter sequence app.numbers cycle", "sequence app.numbers"),
        ("drop statistics app.things_stats", "statistics app.things_stats"),
        ("alter publication kitchen_feed set (publish = 'insert')", "publication kitchen_feed"),
        ("alter table app.things alter column note set not null", "column app.things.note"),
    ],
)
def test_a_difference_is_named_by_both(major: Server, change: str, name: str) -> None:
    assert major.bin_dir is not None
    with kitchen_template(major).clone() as one, kitchen_template(major).clone() as two:
        execute(two.conninfo, change)
        findings = drift.compare(snapshot(one.conninfo), snapshot(two.conninfo))
        assert name in [finding.object for finding in findings]
        assert compare_dumps(one.conninfo, two.conninfo, major.bin_dir / "pg_dump")


@pytest.mark.parametrize("major", since(17), indirect=True, ids=str)
def test_maintain_is_a_privilege_from_17_on(major: Server) -> None:
    with kitchen_template(major).clone() as clone:
        execute(clone.conninfo, "grant maintain on app.owners to kitchen_app")
        assert Grant("kitchen_app", "MAINTAIN") in snapshot(clone.conninfo).tables["app.owners"].acl


@pytest.mark.parametrize("major", since(18), indirect=True, ids=str)
def test_constraints_of_18(major: Server) -> None:
    with major.database() as one, major.database() as two:
        for database in (one, two):
            execute(database.conninfo, "create table public.t (a integer)")
            execute(database.conninfo, "alter table public.t add b integer generated always as (a + 1) virtual")
        execute(one.conninfo, "alter table public.t add constraint named not null a")
        execute(two.conninfo, "alter table public.t add constraint named not null a not valid")
        for database, rest in ((one, ""), (two, " not enforced")):
            execute(database.conninfo, f"alter table public.t add constraint positive check (a > 0){rest}")
        before, after = snapshot(one.conninfo), snapshot(two.conninfo)
    table = before.tables["public.t"]
    assert (table.constraints["named"].kind, table.columns["b"].generated) == ("not null", "virtual")
    assert not after.tables["public.t"].constraints["positive"].enforced
    assert [finding.object for finding in drift.compare(before, after)] == [
        "constraint named on public.t",
        "constraint positive on public.t",
    ]

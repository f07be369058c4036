"""The replay: what a file is taken to find, and what it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbkit.lint.files import MIGRATION, LintFile
from dbkit.lint.model import Table
from dbkit.lint.replay import replay
from dbkit.lint.state import State


def state_after(*texts: str) -> State:
    state = State()
    for number, text in enumerate(texts):
        file = LintFile(Path(f"{number}.sql"), f"{number}.sql", text, MIGRATION)
        assert not file.script.problems
        for statement in file.script.statements:
            replay(state, statement, file)
    return state


def table(state: State, name: str = "app.t") -> Table:
    schema, _, relation = name.rpartition(".")
    return state.tables[schema, relation]


def test_columns_keys_and_generated_names() -> None:
    state = state_after(
        "create table app.t (id bigint primary key, a int unique, b text not null references app.u, check (a > 0));",
        "alter table app.t add foreign key (a) references app.u (x), add column c serial, alter b drop not null;",
    )
    found = table(state)
    assert {name: column.not_null for name, column in found.columns.items()} == {
        "id": True, "a": False, "b": False, "c": True,
    }  # fmt: skip
    assert set(found.constraints) == {"t_pkey", "t_a_key", "t_b_fkey", "t_check", "t_a_fkey"}
    assert found.primary_key == ("id",)
    assert {item.target for item in found.foreign_keys()} == {("app", "u")}


@pytest.mark.parametrize(
    ("statement", "gone"),
    [
        ("drop table app.t;", True),
        ("drop schema app cascade;", True),
        ("drop table if exists other, app.t cascade;", True),
        ("drop view app.t;", False),
    ],
)
def test_drops(statement: str, gone: bool) -> None:
    state = state_after("create table app.t (id bigint);", statement)
    assert (("app", "t") not in state.tables) is gone


def test_renames_follow() -> None:
    state = state_after(
        "create table app.t (id bigint primary key, a int); create index i on app.t (a);"
        "create table app.u (t_id bigint references app.t (id)); create policy p on app.t using (true);",
        "alter table app.t rename to t2; alter table app.t2 rename a to b; alter index app.i rename to j;"
        "alter policy p on app.t2 rename to q; alter table app.t2 rename constraint t_pkey to pk;"
        "alter table app.t2 set schema lib;",
    )
    found = table(state, "lib.t2")
    assert ("app", "t") not in state.tables and ("app", "t2") not in state.tables
    assert set(found.columns) == {"id", "b"} and found.indexes["j"].columns == ("b",)
    assert set(found.policies) == {"q"} and "pk" in found.constraints
    assert [item.target for item in table(state, "app.u").foreign_keys()] == [("lib", "t2")]


def test_row_security_and_policies() -> None:
    state = state_after(
        "create table app.t (id bigint); alter table app.t enable row level security, force row level security;"
        "create policy p on app.t for select to a, b using (true); create policy q on app.t using (true);"
        "drop policy q on app.t; alter table app.t no force row level security;"
    )
    found = table(state)
    assert found.rls_enabled and not found.rls_forced
    assert set(found.policies) == {"p"} and found.policies["p"].roles == ("a", "b")


def test_like_partition_and_select() -> None:
    state = state_after(
        "create table app.t (id bigint primary key, at timestamptz not null) partition by range (at);"
        "create table app.l (like app.t including indexes); create table app.p partition of app.t default;"
        "create table app.s as select id, at as moment from app.t;"
        "create materialized view app.m as select id from app.t;"
    )
    assert table(state).kind == "partitioned" and table(state, "app.p").kind == "partition"
    assert table(state, "app.l").columns["id"].not_null and table(state, "app.l").indexes
    assert list(table(state, "app.s").columns) == ["id", "moment"]
    assert table(state, "app.m").kind == "matview"


def test_unqualified_names_and_temporary_tables() -> None:
    state = state_after(
        "create table t (id bigint); create temp table s (id bigint); create table app.only (id bigint);"
    )
    file = next(iter(state.effects))
    assert state.key({"relname": "t"}) == ("public", "t")
    assert state.key({"relname": "s"}) == ("pg_temp", "s")
    assert state.key({"relname": "only"}) == ("app", "only")
    assert state.key({"relname": "never_seen"}) == ("public", "never_seen")
    assert state.is_new({"relname": "s"}, LintFile(Path("other.sql"), "other.sql", "", MIGRATION))
    assert state.is_new({"relname": "t"}, file)
    assert not state.is_new({"relname": "never_seen"}, file)
    # CREATE does not look for a table of that name in other schemas.
    assert state.new_key({"relname": "only"}) == ("public", "only")
    assert state.new_key({"relname": "only", "schemaname": "app"}) == ("app", "only")
    assert state.new_key({"relname": "only", "relpersistence": "t"}) == ("pg_temp", "only")


def test_dropping_a_column_takes_its_keys_and_indexes_along() -> None:
    state = state_after(
        "create table app.t (id bigint primary key, a int references app.u); create index i on app.t (a, id);"
        "alter table app.t drop column a;"
    )
    assert set(table(state).constraints) == {"t_pkey"} and set(table(state).indexes) == {"t_pkey"}

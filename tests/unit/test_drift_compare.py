"""Comparing snapshots without a server: what is named, what is left out, how a difference reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dbkit import drift
from dbkit.catalog import Column, Constraint, Database, Grant, Policy, Role, Schema, Snapshot, Table
from dbkit.equalities.live import without_ungranted_bypass
from dbkit.report import Severity

DATABASE = Database("x", "postgres", "15.0", 150000, "UTF8", "C", ())


def column(name: str, position: int = 1, **changes: Any) -> Column:
    plain = Column(
        name=name, type="integer", not_null=False, default=None, generated="", identity="", collation=None,
        storage=None, compression=None, statistics_target=None, options=(), foreign_options=(), inherited=False,
        acl=(), comment=None, position=position, type_key="integer",
    )  # fmt: skip
    return replace(plain, **changes)


def table(key: str, *columns: Column, **changes: Any) -> Table:
    schema, name = key.split(".")
    plain = Table(
        key=key, schema=schema, name=name, kind="table", owner="app_owner", acl=(), comment=None, options=(),
        tablespace=None, access_method="heap", columns={item.name: item for item in columns},
    )  # fmt: skip
    return replace(plain, **changes)


def snapshot(*tables: Table, **parts: Any) -> Snapshot:
    schemas = {item.schema: Schema(item.schema, "app_owner", (), None) for item in tables}
    return Snapshot(DATABASE, schemas=schemas, tables={item.key: item for item in tables}, **parts)


def role(name: str, **changes: Any) -> Role:
    return replace(Role(name, False, False, False, True, False, False, False, -1, (), None, (), True), **changes)


def test_equal_snapshots_have_no_findings() -> None:
    assert drift.compare(snapshot(table("a.t", column("x"))), snapshot(table("a.t", column("x")))) == []


def test_column_order_and_database_name_do_not_count() -> None:
    one = snapshot(table("a.t", column("x", 1), column("y", 2)))
    two = snapshot(table("a.t", column("y", 1), column("x", 5)))
    assert drift.compare(one, replace(two, database=replace(DATABASE, name="other"))) == []


def test_a_column_added_by_hand_is_named() -> None:
    expected, live = snapshot(table("a.t", column("x"))), snapshot(table("a.t", column("x"), column("by_hand")))
    advice = drift.Advice(extra="Drop it.")
    (finding,) = drift.compare(expected, live, left="the migrations", right="the database", advice=advice)
    assert finding.object == "column a.t.by_hand"
    assert finding.rule == "extra_in_database"
    assert finding.message == "is in the database but not in the migrations"
    assert finding.severity is Severity.ERROR
    assert finding.hint == "Drop it."
    assert finding.detail == "type  integer"


def test_what_hangs_on_a_missing_object_is_counted_not_listed() -> None:
    policy = Policy("p", "all", True, ("public",), "true", None, None)
    full = snapshot(table("a.t", column("x"), column("y")), table("a.u", column("z"), policies={"p": policy}))
    (missing,) = drift.compare(full, snapshot(table("a.t", column("x"), column("y"))))
    assert missing.object == "table a.u"
    assert (missing.detail or "").endswith("with 1 column, 1 policy")
    (extra,) = drift.compare(snapshot(), snapshot(table("b.t", column("x"))))
    assert (extra.object, extra.rule) == ("schema b", "extra_in_right")
    assert (extra.detail or "").endswith("with 1 table")


def test_a_short_difference_is_aligned_and_marked() -> None:
    one, two = (snapshot(table("a.t", column("x", default=text))) for text in ("(a = 1)", "(a = 21)"))
    (finding,) = drift.compare(one, two, left="declared", right="live")
    assert finding.message == "differs between declared and live: default"
    assert (finding.detail or "").split("\n") == [
        "default",
        "    declared: (a = 1)",
        "    live:     (a = 21)",
        "                   ^",
    ]


def test_lists_are_shown_as_a_line_diff() -> None:
    one = snapshot(table("a.t", acl=(Grant("app_user", "SELECT"), Grant("app_user", "UPDATE", True))))
    two = snapshot(table("a.t", acl=(Grant("app_user", "SELECT"), Grant("public", "SELECT"))))
    (finding,) = drift.compare(one, two)
    assert (finding.detail or "").split("\n") == [
        "grants",
        "    --- left",
        "    +++ right",
        "     SELECT to app_user",
        "    -UPDATE to app_user with grant option",
        "    +SELECT to public",
    ]


def test_an_attribute_that_appears_is_shown_against_none() -> None:
    one, two = snapshot(table("a.t")), snapshot(table("a.t", force_row_security=True))
    (finding,) = drift.compare(one, two)
    assert (finding.detail or "").split("\n") == ["force row security", "    left:  (none)", "    right: yes"]


def test_a_partition_s_own_name_for_an_inherited_foreign_key_does_not_count() -> None:
    def with_key(name: str, inherited: bool) -> Snapshot:
        text = "FOREIGN KEY (x) REFERENCES a.o(x)"
        key = Constraint(name, "foreign key", text, True, inherited, None, False, False, True)
        return snapshot(table("a.t", constraints={name: key}))

    assert drift.compare(with_key("t_fkey", True), with_key("t_fkey1", True)) == []
    assert len(drift.compare(with_key("t_fkey", False), with_key("t_fkey1", False))) == 2


def test_only_roles_that_the_schema_names_are_compared() -> None:
    mine = snapshot(roles={"app_user": role("app_user"), "alice": role("alice", referenced=False)})
    other = snapshot(roles={"app_user": role("app_user", bypass_rls=True), "pg_monitor": role("pg_monitor")})
    (finding,) = drift.compare(mine, other)
    assert (finding.object, finding.message) == ("role app_user", "differs between left and right: bypass rls")


def test_findings_come_in_the_same_order_every_time() -> None:
    tables = [table(f"a.t{number}", column("x"), column("y", default="1")) for number in range(9)]
    changed = [table(f"a.t{number}", column("x", default="2"), row_security=True) for number in range(9)]
    first = [finding.object for finding in drift.compare(snapshot(*tables), snapshot(*changed))]
    again = [finding.object for finding in drift.compare(snapshot(*reversed(tables)), snapshot(*reversed(changed)))]
    assert first == again
    assert len(first) == 27


def test_a_host_that_grants_nobody_to_bypass_row_security_is_a_note_and_the_other_way_round_is_not() -> None:
    may, may_not = (snapshot(roles={"dumper": role("dumper", bypass_rls=able)}) for able in (True, False))
    expected, notes = without_ungranted_bypass(may, may_not)
    assert [(item.rule, item.severity, item.object) for item in notes] == [
        ("cannot_bypass_rls", Severity.NOTE, "role dumper")
    ]
    assert drift.compare(expected, may_not) == []
    expected, notes = without_ungranted_bypass(may_not, may)
    assert notes == [] and [item.object for item in drift.compare(expected, may)] == ["role dumper"]
    # A role that is not there at all is missing.
    expected, notes = without_ungranted_bypass(may, snapshot())
    assert notes == [] and drift.compare(expected, snapshot())

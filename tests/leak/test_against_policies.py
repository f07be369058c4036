"""Policy expressions are compared by what they admit, and each change of a guard gets the risk it deserves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbkit.leak.changes import guard_changes
from dbkit.leak.meaning import Relation, compare, read_expression
from dbkit.leak.policy_changes import policy_changes

OWN = "(tenant_id = ( SELECT app.tenant() AS tenant))"


@pytest.mark.parametrize(
    ("old", "new", "relation"),
    [
        (OWN, "app.tenant() = tenant_id", Relation.SAME),
        (OWN, f"({OWN} AND is_active)", Relation.TIGHTENED),
        (f"{OWN} and is_active", OWN, Relation.LOOSENED),
        (OWN, f"{OWN} or is_public", Relation.LOOSENED),
        (OWN, "true", Relation.LOOSENED),
        ("true", OWN, Relation.TIGHTENED),
        (OWN, "false", Relation.TIGHTENED),
        (OWN, "true and " + OWN, Relation.SAME),
        (OWN, "region_id = app.tenant()", Relation.CHANGED),
        (OWN, "tenant_id <> app.tenant()", Relation.CHANGED),
        (OWN, "tenant_id = app.other_tenant()", Relation.CHANGED),
        # Precedence: AND binds tighter, so this is another thing than it looks like.
        ("a and (b or c)", "a and b or c", Relation.LOOSENED),
        ("a and (b or c)", "(a and b) or (c and a)", Relation.SAME),
        ("not (a and b)", "not b or not a", Relation.SAME),
        ("not (a = b)", "b <> a", Relation.SAME),
        ("a > b", "b < a", Relation.SAME),
        ("status in ('open', 'paid')", "status = 'paid'", Relation.TIGHTENED),
        ("status = any (array['open'::text, 'paid'::text])", "status in ('paid', 'open')", Relation.SAME),
        ("status in ('open')", "status in ('open', 'paid')", Relation.LOOSENED),
        (
            "tenant_id = (nullif(current_setting('app.tenant'::text, true), ''::text))::uuid",
            "tenant_id = nullif(current_setting('app.tenant', true), '')::uuid",
            Relation.SAME,
        ),
        # A cast of a column is part of the meaning: char(3) compares otherwise than text.
        ("code = 'a'", "code::text = 'a'", Relation.CHANGED),
        ("a is null or b", "b", Relation.TIGHTENED),
        ("exists (select 1 from m where m.u = me())", "exists (select 1 from m)", Relation.CHANGED),
        # A sub-select that reads a table is no mere spelling of a call.
        ("x = (select app.tenant())", "x = (select app.tenant() from m)", Relation.CHANGED),
        ("this is no sql (", "this is no sql (", Relation.SAME),
    ],
)
def test_expressions_by_meaning(old: str, new: str, relation: Relation) -> None:
    assert compare(read_expression(old), read_expression(new)) is relation


ATOMS = ("a", "b", "c", "x = 1")
texts = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} and {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} or {pair[1]})"),
    ),
    max_leaves=6,
)


@given(texts, texts)
def test_the_verdict_agrees_with_every_assignment(old: str, new: str) -> None:
    """Brute force over all truth values of the atoms: what the comparison claims is so, and it misses nothing."""
    rows = [dict(zip("abcx", map(int, f"{bits:04b}"), strict=True)) for bits in range(16)]

    def admitted(text: str) -> set[int]:
        python = text.replace("x = 1", "x == 1")
        return {number for number, row in enumerate(rows) if eval(python, {}, row)}

    before, after = admitted(old), admitted(new)
    expected = Relation.CHANGED
    if before == after:
        expected = Relation.SAME
    elif after < before:
        expected = Relation.TIGHTENED
    elif before < after:
        expected = Relation.LOOSENED
    assert compare(read_expression(old), read_expression(new)) is expected


def policy(using: str | None = OWN, check: str | None = None, **other: Any) -> dict[str, Any]:
    return {"command": "all", "permissive": True, "roles": ["app"], "using": using, "check": check, **other}


def risks(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    return [(change.rule, str(change.risk)) for change in policy_changes("app.t", old, new, "tenant_id")]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"p": policy()}, {"p": policy("app.tenant() = tenant_id")}, []),
        ({"p": policy()}, {"p": policy(f"{OWN} and active")}, [("policy_tightened", "breaking")]),
        ({"p": policy()}, {"p": policy(f"{OWN} or shared")}, [("policy_loosened", "dangerous")]),
        ({"p": policy(f"{OWN} and active")}, {"p": policy()}, [("policy_loosened", "needs review")]),
        ({"p": policy()}, {"p": policy("region = 1")}, [("policy_changed", "dangerous")]),
        ({"p": policy()}, {"p": policy("tenant_id = app.guess()")}, [("policy_changed", "needs review")]),
        (
            {"p": policy(f"{OWN} and a")},
            {"p": policy(f"{OWN} and b")},
            [("policy_changed", "needs review")],
        ),
        # WITH CHECK that stands for itself, and that USING stood in for.
        ({"p": policy()}, {"p": policy(check=OWN)}, []),
        ({"p": policy()}, {"p": policy(check="true")}, [("policy_loosened", "dangerous")]),
        ({"p": policy(check="true")}, {"p": policy()}, [("policy_tightened", "breaking")]),
        # Whom it is for
        ({"p": policy()}, {"p": policy(roles=["app", "staff"])}, [("policy_roles_widened", "dangerous")]),
        ({"p": policy()}, {"p": policy(roles=["public"])}, [("policy_roles_widened", "dangerous")]),
        ({"p": policy(roles=["public"])}, {"p": policy()}, [("policy_roles_narrowed", "breaking")]),
        ({"p": policy(command="select")}, {"p": policy()}, [("policy_commands_widened", "dangerous")]),
        ({"p": policy()}, {"p": policy(command="select")}, [("policy_commands_narrowed", "breaking")]),
        # A restrictive policy works the other way round.
        (
            {"p": policy(permissive=False, roles=["public"])},
            {"p": policy(permissive=False)},
            [("policy_roles_widened", "dangerous")],
        ),
        ({"p": policy(permissive=False)}, {"p": policy()}, [("policy_made_permissive", "dangerous")]),
        ({"p": policy()}, {"p": policy(permissive=False)}, [("policy_made_restrictive", "breaking")]),
        ({"p": policy()}, {"p": policy(), "fence": policy(permissive=False)}, [("policy_added", "breaking")]),
        ({"p": policy(), "fence": policy(permissive=False)}, {"p": policy()}, [("policy_dropped", "dangerous")]),
        # Added and dropped
        ({"p": policy()}, {"p": policy(), "q": policy("is_public")}, [("policy_added", "dangerous")]),
        ({"p": policy()}, {"p": policy(), "q": policy(f"{OWN} and mine")}, [("policy_added", "safe")]),
        (
            {"p": policy(command="select")},
            {"p": policy(command="select"), "q": policy(command="delete")},
            [("policy_added", "needs review")],
        ),
        ({"p": policy(), "q": policy("is_public")}, {"p": policy()}, [("policy_dropped", "breaking")]),
        ({"p": policy(), "q": policy(f"{OWN} and mine")}, {"p": policy()}, [("policy_dropped", "safe")]),
        ({}, {"p": policy()}, [("policy_added", "needs review")]),
    ],
)
def test_policies(old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert risks(old, new) == expected


# Guards as a whole


def guards(**changes: Any) -> dict[str, Any]:
    table = {
        "kind": "tenant",
        "tenant_column": "tenant_id",
        "owner": "owner",
        "row_security": True,
        "forced": True,
        "policies": {"p": policy()},
        "privileges": {"app": {"select": True}},
        "foreign_keys": {"fk": {"columns": ["tenant_id", "order_id"], "target": "app.orders"}},
        "unique_keys": {"pk": ["tenant_id", "id"]},
    }
    view = {
        "materialized": False,
        "owner": "owner",
        "security_invoker": True,
        "options": "",
        "definition": "select 1",
        "privileges": {"app": {"select": True}},
    }
    function = {
        "security_definer": True,
        "leakproof": False,
        "immutable": False,
        "owner": "owner",
        "settings": "search_path=pg_catalog, pg_temp",
        "body": "1",
        "callers": ["app"],
        "guards": False,
    }
    role = {"superuser": False, "bypass_rls": False, "may_become": []}
    parts = {
        "tables": ("app.t", table),
        "views": ("app.v", view),
        "functions": ("app.f()", function),
        "roles": ("app", role),
        "others": ("rule r on app.t", {"text": "do nothing"}),
    }
    return {kind: {name: {**facts, **changes.get(kind, {})}} for kind, (name, facts) in parts.items()}


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("tables", {}, {"row_security": False}, ("row_security_disabled", "dangerous")),
        ("tables", {"row_security": False}, {}, ("row_security_enabled", "breaking")),
        ("tables", {}, {"forced": False}, ("force_dropped", "dangerous")),
        ("tables", {"forced": False}, {}, ("force_added", "safe")),
        ("tables", {}, {"owner": "app"}, ("owner_changed", "dangerous")),
        ("tables", {}, {"owner": "other"}, ("owner_changed", "needs review")),
        ("tables", {}, {"privileges": {"app": {"select": True, "truncate": True}}}, ("privilege_granted", "dangerous")),
        (
            "tables",
            {},
            {"privileges": {"app": {"select": True, "update": ["a"]}}},
            ("privilege_granted", "needs review"),
        ),
        ("tables", {}, {"privileges": {"app": {}}}, ("privilege_revoked", "breaking")),
        ("tables", {}, {"privileges": {"app": {"select": ["id"]}}}, ("privilege_revoked", "breaking")),
        (
            "tables",
            {"privileges": {"app": {}}, "kind": "internal"},
            {"kind": "internal"},
            ("privilege_granted", "dangerous"),
        ),
        (
            "tables",
            {},
            {"foreign_keys": {"fk": {"columns": ["order_id"], "target": "app.orders"}}},
            ("tenant_left_key", "dangerous"),
        ),
        ("tables", {}, {"unique_keys": {"pk": ["id"]}}, ("key_without_tenant", "needs review")),
        ("views", {}, {"security_invoker": False}, ("invoker_dropped", "dangerous")),
        ("views", {"security_invoker": False}, {}, ("invoker_added", "breaking")),
        ("views", {}, {"definition": "select 2"}, ("view_changed", "safe")),
        (
            "views",
            {"security_invoker": False},
            {"security_invoker": False, "definition": "select 2"},
            ("view_changed", "needs review"),
        ),
        ("functions", {"security_definer": False}, {}, ("definer_added", "dangerous")),
        ("functions", {}, {"security_definer": False}, ("definer_dropped", "breaking")),
        ("functions", {}, {"settings": ""}, ("search_path_dropped", "dangerous")),
        ("functions", {}, {"leakproof": True}, ("leakproof_added", "dangerous")),
        ("functions", {}, {"body": "2"}, ("function_changed", "needs review")),
        ("functions", {"callers": []}, {}, ("execute_granted", "dangerous")),
        ("functions", {}, {"callers": []}, ("execute_revoked", "breaking")),
        ("functions", {}, {"owner": "other"}, ("owner_changed", "needs review")),
        ("functions", {"guards": True}, {"guards": True, "immutable": True}, ("immutable_added", "dangerous")),
        ("functions", {"settings": ""}, {"settings": "app.admin=on"}, ("settings_changed", "needs review")),
        ("views", {"options": "security_barrier=true"}, {}, ("view_options_changed", "needs review")),
        ("others", {}, {"text": "do instead"}, ("way_opened", "needs review")),
        ("roles", {}, {"bypass_rls": True}, ("role_bypasses", "dangerous")),
        ("roles", {"superuser": True}, {}, ("role_bound", "breaking")),
        ("roles", {}, {"may_become": ["staff"]}, ("membership_added", "needs review")),
        ("roles", {"may_become": ["staff"]}, {}, ("membership_dropped", "breaking")),
    ],
)
def test_guards(kind: str, before: dict[str, Any], after: dict[str, Any], expected: tuple[str, str]) -> None:
    (change,) = guard_changes(guards(**{kind: before}), guards(**{kind: after}))
    assert (change.rule, str(change.risk)) == expected
    assert change.reason.endswith(".")


def test_nothing_changed_is_nothing_said() -> None:
    assert guard_changes(guards(), guards()) == []


@pytest.mark.parametrize(
    ("kind", "facts", "expected"),
    [
        ("tables", {}, ("table_added", "safe")),
        ("tables", {"row_security": False}, ("table_added", "dangerous")),
        ("tables", {"forced": False}, ("table_added", "needs review")),
        ("tables", {"kind": "unknown"}, ("table_added", "needs review")),
        ("tables", {"privileges": {"app": {}}, "row_security": False}, ("table_added", "safe")),
        ("views", {}, ("view_added", "safe")),
        ("views", {"security_invoker": False}, ("view_added", "needs review")),
        ("views", {"materialized": True}, ("view_added", "dangerous")),
        ("functions", {}, ("definer_added", "dangerous")),
    ],
)
def test_what_is_new(kind: str, facts: dict[str, Any], expected: tuple[str, str]) -> None:
    before, after = guards(), guards(**{kind: facts})
    before[kind] = {}
    (change,) = guard_changes(before, after)
    assert (change.rule, str(change.risk)) == expected
    # And gone again, it is missed by whoever used it.
    assert {str(change.risk) for change in guard_changes(after, before)} == {"breaking"}


def test_the_most_dangerous_comes_first() -> None:
    changes = guard_changes(guards(), guards(tables={"forced": False, "privileges": {"app": {}}, "owner": "other"}))
    assert [str(change.risk) for change in changes] == ["dangerous", "needs review", "breaking"]

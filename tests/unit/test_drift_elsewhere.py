"""A snapshot as another server would have given it."""

from __future__ import annotations

from dbkit import drift
from dbkit.catalog import (
    Database,
    DefaultPrivileges,
    Grant,
    Policy,
    Schema,
    Snapshot,
    Table,
    with_role_renamed,
    without_privilege,
)


def taken(runner: str) -> Snapshot:
    """A table, its policy and default privileges, all of one role."""
    acl = tuple(sorted((Grant(runner, "SELECT"), Grant("app_user", "SELECT", grantor=""), Grant("zoe", "MAINTAIN"))))
    policy = Policy("p", "all", True, tuple(sorted(("m_role", runner))), "true", None, None)
    table = Table(
        key="a.t", schema="a", name="t", kind="table", owner=runner, acl=acl, comment=None, options=(),
        tablespace=None, access_method="heap", policies={"p": policy},
    )  # fmt: skip
    defaults = DefaultPrivileges(runner, None, "tables", (Grant(runner, "SELECT"),))
    return Snapshot(
        Database("x", runner, "17.0", 170000, "UTF8", "C", ()),
        schemas={"a": Schema("a", runner, (Grant(runner, "USAGE"),), None)},
        tables={"a.t": table},
        default_privileges={f"{runner} on tables": defaults},
    )


def test_a_renamed_role_is_renamed_everywhere() -> None:
    # One name sorts before the others, one behind them: lists that hold names have to be in order again.
    for old, new in (("alice", "zz_deploy"), ("zz_deploy", "alice")):
        assert drift.compare(taken(old), taken(new))
        assert drift.compare(with_role_renamed(taken(old), old, new), taken(new)) == []


def test_only_that_role_is_renamed() -> None:
    renamed = with_role_renamed(taken("alice"), "bob", "carol")
    assert drift.compare(renamed, taken("alice")) == []


def test_a_privilege_an_older_server_does_not_know_is_left_out() -> None:
    acl = without_privilege(taken("alice"), "MAINTAIN").tables["a.t"].acl
    assert [grant.privilege for grant in acl] == ["SELECT", "SELECT"]

"""A user spelled out in a context statement: where a constant is taken for the caller, and where it is not."""

from __future__ import annotations

import pytest

from dbkit.tenancy.declaration import Scope
from dbkit.tenancy.spelled import with_user_for_constants

PARAMETERS = {
    "app.enter": (("p_user", "p_tenant"),),
    "app.open": (("person_id", "account"), ("account",)),
    "app.act": (("p_user_role", "p_tenant"),),
}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("select app.enter('bob', {tenant})", "select app.enter({user}, {tenant})"),
        ("select enter('bob'::text, {tenant})", "select enter({user}::text, {tenant})"),
        ("call app.open(7, {tenant})", "call app.open({user}, {tenant})"),
        ("select 'é', app.enter(p_tenant => {tenant}, p_user => 'b')", None),
        ("select set_config('a.b', 'c', true), app.enter('bob', {tenant})", None),
    ],
)
def test_a_constant_for_a_user_is_any_user(statement: str, expected: str | None) -> None:
    scope, found = with_user_for_constants(Scope("default", ("r",), (statement,)), PARAMETERS)
    assert len(found) == 1
    assert "{user}" in scope.context[0]
    if expected is not None:
        assert scope.context == (expected,)


@pytest.mark.parametrize(
    "statement",
    [
        "select app.enter({user}, {tenant})",
        "select app.enter(null, {tenant})",
        "select app.enter({tenant}, {tenant})",
        "select app.enter(lower('BOB'), {tenant})",
        "select app.act('admin', {tenant})",
        "select other.enter('bob', {tenant})",
        "select set_config('app.user', 'bob', true), set_config('app.tenant', {tenant}, true)",
        "select app.enter('bob', 'acme')",
        "select app.enter('bob, {tenant})",
    ],
)
def test_other_constants_stay(statement: str) -> None:
    scope = Scope("default", ("r",), (statement,))
    assert with_user_for_constants(scope, PARAMETERS) == (scope, [])

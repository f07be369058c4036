"""The `[tenancy]` table: every key is read, every mistake is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.tenancy.declaration import Memberships, Sample, load_declaration, parse_declaration, render_context

MINIMAL: dict[str, Any] = {"app_roles": ["app"], "context": ["select set_config('app.t', {tenant}, true)"]}


def test_a_minimal_declaration_names_roles_and_context() -> None:
    declaration = parse_declaration(MINIMAL, "f.toml")
    (scope,) = declaration.scopes
    assert (scope.name, scope.app_roles, scope.names_tenant, scope.names_user) == ("default", ("app",), True, False)
    assert declaration.columns == ()


def test_every_key_is_read() -> None:
    declaration = parse_declaration(
        {
            **MINIMAL,
            "tenants": "core.tenants.id",
            "columns": ["tenant_id"],
            "shared": ["core.roles"],
            "internal": ["core.keys"],
            "memberships": "core.memberships(user_id, tenant_id)",
            "definers": ["core.f"],
            "schemas": {"rental": "owner_id"},
            "tables": {"a.b": "c"},
            "user_tables": {"a.c": "user_id"},
            "values": {"a.b.kind": "x", "a.b.role": ["owner", "admin"]},
            "samples": [{"tenant": 1, "user": "u"}, {"login": "role_a"}],
            "scopes": [
                {
                    "name": "renters",
                    "app_roles": ["renter"],
                    "context": ["select f({user})"],
                    "tables": {"a.d": "user_id"},
                }
            ],
        },
        "f.toml",
    )
    assert declaration.memberships == Memberships("core.memberships", "user_id", "tenant_id")
    assert declaration.samples == (Sample("1", "u", None), Sample(login="role_a"))
    assert declaration.values == {"a.b.kind": ("x",), "a.b.role": ("owner", "admin")}
    assert declaration.app_roles == ("app", "renter")
    assert declaration.scopes[1].tables == {"a.d": "user_id"}


def test_a_preset_gives_roles_and_context_that_can_be_overridden() -> None:
    assert parse_declaration({"preset": "supabase"}, "f").app_roles == ("authenticated", "anon")
    assert parse_declaration({"preset": "supabase", "app_roles": ["anon"]}, "f").app_roles == ("anon",)


@pytest.mark.parametrize(
    ("change", "message", "detail"),
    [
        ({"app_role": ["x"]}, "unknown tenancy setting: app_role", "app_roles"),
        ({"app_roles": []}, "no app role is declared", "default scope"),
        ({"app_roles": "app"}, "bad tenancy value: app_roles", "list of strings"),
        ({"columns": "tenant_id"}, "bad tenancy value: columns", "'tenant_id'"),
        ({"memberships": "core.memberships"}, "bad tenancy value: memberships", "user_column"),
        ({"preset": "rails"}, "bad tenancy value: preset", "supabase"),
        ({"samples": [{"tennant": 1}]}, "unknown tenancy setting: tennant", "tenant"),
        ({"values": {"a.b.c": 3}}, "bad tenancy value: values.a.b.c", "string"),
        ({"scopes": [{"app_roles": ["x"]}]}, "no context is declared", "scope 2"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], message: str, detail: str) -> None:
    with pytest.raises(DbkitError) as raised:
        parse_declaration({**MINIMAL, **change}, "f.toml")
    assert raised.value.message == message
    assert detail in (raised.value.detail or "")
    assert raised.value.hint


def test_context_values_are_quoted_literals() -> None:
    text = render_context("select f({user}, {tenant}, '{}')", "x'; drop table t --", "o'hara")
    assert text == "select f('o''hara', 'x''; drop table t --', '{}')"


def test_schemas_that_are_not_there_leave_no_names_behind() -> None:
    declaration = parse_declaration(
        {
            **MINIMAL,
            "shared": ["core.roles", "rental.kinds"],
            "schemas": {"rental": "owner_id"},
            "scopes": [
                {"name": "renters", "app_roles": ["r"], "context": ["select 1"], "tables": {"rental.x": "user_id"}},
                {"name": "workers", "app_roles": ["w"], "context": ["select 1"]},
            ],
        },
        "f.toml",
    ).without_schemas({"rental"})
    assert declaration.shared == ("core.roles",)
    assert declaration.schemas == {}
    assert [scope.name for scope in declaration.scopes] == ["default", "workers"]


def test_a_file_beats_the_project(tmp_path: Path) -> None:
    file = tmp_path / "t.toml"
    file.write_text('[tenancy]\napp_roles = ["x"]\ncontext = []\n', encoding="utf-8")
    config = Config(root=tmp_path, tenancy=MINIMAL)
    assert load_declaration(config, file).app_roles == ("x",)
    assert load_declaration(config).app_roles == ("app",)


@pytest.mark.parametrize(
    ("text", "message"),
    [(None, "tenancy file not found"), ("[tenancy", "cannot read"), ("[other]", "no tenancy is declared in")],
)
def test_an_unusable_file_is_an_error(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "t.toml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(DbkitError, match=message):
        load_declaration(Config(root=tmp_path), file)


def test_no_declaration_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DbkitError, match="no tenancy is declared"):
        load_declaration(Config(root=tmp_path))

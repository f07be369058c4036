"""`[lint]` and `[tenancy]` as the linter reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.lint.engine import lint
from dbkit.lint.rule import load_rules
from dbkit.lint.settings import load_settings
from dbkit.report import Severity


def config(
    lint_table: dict[str, Any] | None = None, tenancy: dict[str, Any] | None = None, root: Path = Path()
) -> Config:
    return Config(root=root, lint=lint_table or {}, tenancy=tenancy)


def test_profiles_nest() -> None:
    recommended, house, strict, citus = (
        set(load_settings(config(), name).rules) for name in ("recommended", "house", "strict", "citus")
    )
    assert recommended < house <= strict and recommended < citus
    assert strict | citus == set(load_rules()) and strict & citus == recommended


def test_select_ignore_and_severity() -> None:
    settings = load_settings(
        config({"select": ["L016", "house"], "ignore": ["rls_not_forced"], "severity": {"L016": "note"}})
    )
    assert {"table_without_rls", "rls_without_policy", "malformed_migration_name"} <= set(settings.rules)
    assert "rls_not_forced" not in settings.rules and "index_blocks_writes" not in settings.rules
    assert settings.severity["table_without_rls"] is Severity.NOTE


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"profil": "house"}, "unknown setting in dbkit.toml: lint.profil"),
        ({"profile": "loose"}, "unknown lint profile: loose"),
        ({"select": ["L999"]}, "unknown lint rule: L999"),
        ({"ignore": ["index_block_writes"]}, "unknown lint rule: index_block_writes"),
        ({"ignore": "index_blocks_writes"}, "bad value in dbkit.toml: lint.ignore"),
        ({"severity": {"nope": "error"}}, "unknown lint rule: nope"),
        ({"severity": {"L010": "fatal"}}, "bad value in dbkit.toml: lint.severity.L010"),
        ({"severity": ["L010"]}, "bad value in dbkit.toml: lint.severity"),
    ],
)
def test_a_bad_setting_is_an_error(table: dict[str, Any], message: str) -> None:
    with pytest.raises(DbkitError) as raised:
        load_settings(config(table))
    assert raised.value.message == message
    assert raised.value.hint


def found(tmp_path: Path, sql: str, tenancy: dict[str, Any] | None = None, **table: Any) -> list[tuple[str, Severity]]:
    path = tmp_path / "case.sql"
    path.write_text(sql)
    result = lint(config(table, tenancy, tmp_path), [path])
    return [(finding.rule, finding.severity) for finding in result.report.findings]


def test_severity_decides_the_exit_code(tmp_path: Path) -> None:
    sql = "create index i on app.t (x);"
    assert found(tmp_path, sql) == [("index_blocks_writes", Severity.ERROR)]
    path = tmp_path / "case.sql"
    quiet = lint(config({"severity": {"index_blocks_writes": "note"}}, root=tmp_path), [path])
    assert quiet.report.exit_code == 0 and len(quiet.report.findings) == 1


TENANCY: dict[str, Any] = {"app_roles": ["app_user"], "context": []}
TABLE = "create table {name} ({column} uuid not null, id uuid primary key);"


@pytest.mark.parametrize(
    ("name", "column", "tenancy", "is_tenant"),
    [
        ("app.t", "tenant_id", None, True),
        ("app.t", "company_id", None, True),
        ("app.t", "firm", None, False),
        ("app.t", "tenant_id", {**TENANCY, "columns": ["firm"]}, False),
        ("app.t", "firm", {**TENANCY, "columns": ["firm"]}, True),
        ("app.t", "firm", {**TENANCY, "schemas": {"app": "firm"}}, True),
        ("other.t", "firm", {**TENANCY, "schemas": {"app": "firm"}}, False),
        ("app.t", "owner", {**TENANCY, "tables": {"app.t": "owner"}}, True),
        ("app.t", "tenant_id", {**TENANCY, "shared": ["app.t"]}, False),
        ("app.t", "tenant_id", {**TENANCY, "internal": ["app.t"]}, False),
        ("app.t", "tenant_id", {**TENANCY, "tenants": "app.t.id"}, False),
        ("t", "tenant_id", {**TENANCY, "shared": ["public.t"]}, False),
    ],
)
def test_which_tables_are_tenant_tables(
    tmp_path: Path, name: str, column: str, tenancy: dict[str, Any] | None, is_tenant: bool
) -> None:
    rules = {rule for rule, _ in found(tmp_path, TABLE.format(name=name, column=column), tenancy)}
    assert ("table_without_rls" in rules) is is_tenant


def test_backup_roles_may_bypass(tmp_path: Path) -> None:
    sql = "create role dumper login bypassrls;"
    assert [rule for rule, _ in found(tmp_path, sql)] == ["role_bypasses_rls"]
    assert found(tmp_path, sql, backup_roles=["dumper"]) == []
    assert [rule for rule, _ in found(tmp_path, "create role dumper superuser;", backup_roles=["dumper"])]

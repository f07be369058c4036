"""`dbkit leak` as it is called: exit codes, formats, bad input, and that the given database is only read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from leak_schema import TENANCY, execute, tenancy_file

from dbkit.postgres import Database

REPO = Path(__file__).resolve().parents[2]

Run = Callable[..., tuple[int, str, str]]


def test_a_given_database_is_proven_and_only_read(run: Run, clean: Database, tenancy: Path) -> None:
    execute(clean.conninfo, "insert into app.tenants values (gen_random_uuid(), 'a real customer')")
    code, out, err = run("--database", clean.conninfo, "--tenancy", str(tenancy))
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "5 tables, 360 paths: 360 hold, 0 leak, 0 unverified"
    row = next(line for line in out.splitlines() if line.startswith("app.invoices "))
    assert row.split() == ["app.invoices", *["9", "hold"] * 8]
    with psycopg.connect(clean.conninfo) as connection:
        assert connection.execute("select name from app.tenants").fetchall() == [("a real customer",)]


def test_a_leak_is_exit_1_with_why(run: Run, clean: Database, tenancy: Path) -> None:
    execute(clean.conninfo, "alter policy own_select on app.invoices using (true)")
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy))
    assert code == 1
    # The state `reused` adds nothing to what the own context shows already, and is left out.
    assert "8 LEAK" in out
    assert "error: SELECT on app.invoices as leak_app crosses tenants in 8 of 8 context states" in out
    assert "select tenant_id, id from app.invoices;" in out
    assert "control: " in out


def test_json_has_the_findings_shape(run: Run, clean: Database, tenancy: Path) -> None:
    execute(clean.conninfo, "alter policy own_delete on app.invoices using (true)")
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "json")
    assert code == 1
    report = json.loads(out)
    assert report["command"] == "leak"
    assert report["server"].startswith("PostgreSQL ")
    assert {"tables", "paths", "holds", "leaks", "unverified"} <= set(report["summary"])
    leak = next(finding for finding in report["findings"] if finding["verdict"] == "leak")
    assert {"rule", "class", "severity", "verdict", "object", "message", "detail", "hint", "evidence"} <= set(leak)
    assert (leak["rule"], leak["severity"], leak["object"]) == ("foreign_rows_deletable", "error", "app.invoices")
    assert all(leak["evidence"][part] for part in ("sql", "witness", "control"))
    # What the evidence says can be pasted and shows it: on a copy without rows it runs through, as the attacker.
    with psycopg.connect(clean.conninfo, autocommit=True) as connection:
        connection.execute("alter function app.set_context owner to current_user")
        script = leak["evidence"]["sql"].replace("select app.set_context", "-- select app.set_context")
        connection.execute(script)


def test_github_annotates_what_is_wrong_and_nothing_else(run: Run, clean: Database, tenancy: Path) -> None:
    execute(clean.conninfo, "alter policy own_delete on app.invoices using (true)")
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "github")
    assert code == 1
    lines = [line for line in out.splitlines() if line]
    assert all(line.startswith(("::error", "::warning")) for line in lines)
    assert any("foreign_rows_deletable" in line for line in lines)


def test_states_that_do_not_apply_are_named(run: Run, clean: Database, tmp_path: Path) -> None:
    execute(clean.conninfo, "alter policy own on app.tenants using (id::text = current_setting('app.believed', true))")
    file = tenancy_file(
        tmp_path, app_roles=TENANCY["app_roles"], context=["select set_config('app.believed', {tenant}, true)"]
    )
    _, out, _ = run("--database", clean.conninfo, "--tenancy", str(file))
    assert "not applicable: other (the context statement stores the tenant it is given" in out


def test_unverified_is_exit_2(run: Run, clean: Database, tenancy: Path) -> None:
    """No row can be made in the table, so nothing about it can be shown."""
    execute(
        clean.conninfo,
        """create table app.sealed (
               tenant_id uuid not null references app.tenants (id), n int not null check (n > 1 and n < 1)
           );
           alter table app.sealed enable row level security, force row level security;
           create policy own on app.sealed to leak_app using (tenant_id = (select app.tenant()));
           grant select on app.sealed to leak_app""",
    )
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy))
    assert code == 2
    assert "warning: SELECT on app.sealed as leak_app could not be proven in 9 of 9 context states" in out
    assert out.splitlines()[-1].endswith("0 leak, 72 unverified")


def test_model_prints_what_was_inferred_and_attacks_nothing(run: Run, clean: Database, tenancy: Path) -> None:
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--model")
    assert code == 0
    assert "columns: tenant_id (compared in policies)" in out
    assert "tenant(tenant_id)" in out
    assert "paths" not in out
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--model", "--format", "json")
    assert {table["kind"] for table in json.loads(out)["scopes"][0]["tables"]} == {"tenant", "member", "internal"}


def test_roles_settings_and_shared_rows_come_along(run: Run, clean: Database, tenancy: Path) -> None:
    """A policy that asks a shared table needs its rows, or the control would fail."""
    execute(
        clean.conninfo,
        """create table app.plans (name text primary key, enabled boolean not null);
           insert into app.plans values ('basic', true);
           grant select on app.plans to leak_app;
           create policy paid on app.invoices as restrictive to leak_app
               using (exists (select from app.plans where enabled))""",
    )
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy))
    assert (code, out.splitlines()[-1]) == (0, "5 tables, 360 paths: 360 hold, 0 leak, 0 unverified")


@pytest.mark.parametrize(
    ("keys", "message", "hint"),
    [
        ({"app_roles": ["leak_nobody"]}, "app role does not exist: leak_nobody", ""),
        ({"context": ["select app.set_contexts({user}, {tenant})"]}, "the context statement fails", "[tenancy]"),
        ({"shared": ["app.tenant"]}, "table does not exist: app.tenant", 'Did you mean "app.tenants"?'),
        ({"columns": []}, None, ""),
    ],
)
def test_a_wrong_declaration_is_an_error(
    run: Run, clean: Database, tmp_path: Path, keys: dict[str, Any], message: str | None, hint: str
) -> None:
    file = tenancy_file(tmp_path, **{"app_roles": TENANCY["app_roles"], "context": TENANCY["context"], **keys})
    code, _, err = run("--database", clean.conninfo, "--tenancy", str(file))
    if message is None:
        assert code == 0  # an empty list is the same as none
        return
    assert code == 2
    assert err.startswith(f"error: {message}")
    assert "Traceback" not in err
    assert hint in err


def test_bad_input_is_named(run: Run, tenancy: Path) -> None:
    for arguments, message in [
        (("--database", "host=/nowhere dbname=x", "--tenancy", str(tenancy)), "cannot connect to the database"),
        (("core", "--database", "x", "--tenancy", str(tenancy)), "a module and a database are given"),
        (("--tenancy", str(tenancy)), "there is no schema to prove"),
        (("--tenancy", "nowhere.toml"), "tenancy file not found: nowhere.toml"),
        ((), "no tenancy is declared"),
    ]:
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), arguments
        assert err.startswith(f"error: {message}"), (arguments, err)


def test_an_unknown_module_is_named(run: Run) -> None:
    code, _, err = run("rentals", "--config", str(REPO / "dbkit.toml"))
    assert code == 2
    assert "rentals" in err and "rental" in err


def test_a_schema_without_tenants_is_an_error(run: Run, database: Database, tenancy: Path) -> None:
    execute(database.conninfo, "create table public.notes (id int)")
    execute(
        database.conninfo,
        "do $$ begin create role leak_app nologin; exception when duplicate_object then null; end $$",
    )
    code, _, err = run("--database", database.conninfo, "--tenancy", str(tenancy))
    assert code == 2
    assert "error: no tenant table was found" in err


def test_core_and_rental_hold_on_every_path(run: Run) -> None:
    code, out, err = run("--config", str(REPO / "dbkit.toml"))
    assert (code, err) == (0, ""), out
    assert out.splitlines()[-1].endswith(" 0 leak, 0 unverified")
    # Both kinds of caller were attacked with, and neither by privileges alone.
    assert "app_user (scope default): 9 context states each" in out
    assert "app_renter (scope renters): 7 context states each" in out
    row = next(line for line in out.splitlines() if line.startswith("rental.units "))
    assert row.split() == ["rental.units", *["9", "hold"] * 8]


def test_core_alone_holds(run: Run) -> None:
    code, out, _ = run("core", "--config", str(REPO / "dbkit.toml"))
    assert code == 0
    assert "rental." not in out

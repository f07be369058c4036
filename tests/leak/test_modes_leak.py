"""`--static`, `--in-place` and a database that may only be read: what each does, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from leak_schema import execute, tenancy_file

from dbkit.leak.static import CatalogSession
from dbkit.postgres import Database

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def reader(clean: Database) -> Iterator[str]:
    """A login that may read the catalogs of the clean schema and nothing else."""
    execute(
        clean.conninfo,
        """do $$ begin create role leak_reader login;
           exception when duplicate_object or unique_violation then null; end $$""",
    )
    yield as_user(clean, "leak_reader")


def as_user(database: Database, user: str) -> str:
    from psycopg.conninfo import make_conninfo

    return make_conninfo(database.conninfo, user=user)


# --static


def test_static_reads_as_an_ordinary_role_and_is_never_green(run: Run, reader: str, tenancy: Path) -> None:
    code, out, err = run("--static", "--database", reader, "--tenancy", str(tenancy))
    assert (code, err) == (2, "")
    assert "not_proven" in out
    assert "app.invoices" in out
    assert out.splitlines()[-1] == "5 tables: 0 leak, the rest not proven"


def test_static_says_leak_where_the_catalogs_do(run: Run, clean: Database, reader: str, tenancy: Path) -> None:
    execute(clean.conninfo, "alter table app.invoices disable row level security")
    code, out, _ = run("--static", "--database", reader, "--tenancy", str(tenancy), "--format", "json")
    assert code == 1
    report = json.loads(out)
    leak = next(finding for finding in report["findings"] if finding["verdict"] == "leak")
    assert (leak["rule"], leak["object"]) == ("rls_not_enabled", "app.invoices")
    assert leak["evidence"] is None
    assert "no attack was run" in leak["detail"]
    assert report["summary"]["mode"] == "static"


def test_static_changes_nothing_even_as_a_superuser(run: Run, clean: Database, tenancy: Path) -> None:
    """A definer function that writes is what an attack would call."""
    execute(
        clean.conninfo,
        """create table app.calls (n int);
           create function app.tell() returns int language sql security definer
               as 'insert into app.calls values (1) returning n';
           insert into app.tenants values (gen_random_uuid(), 'a real customer')""",
    )
    before = counts(clean)
    code, _, _ = run("--static", "--database", clean.conninfo, "--tenancy", str(tenancy))
    assert code in (1, 2)
    assert counts(clean) == before == {"app.calls": 0, "app.tenants": 1, "app.invoices": 0}


def counts(database: Database) -> dict[str, int]:
    found = {}
    with psycopg.connect(database.conninfo) as connection:
        for table in ("app.calls", "app.tenants", "app.invoices"):
            row = connection.execute(f"select count(*) from {table}").fetchone()  # type: ignore[call-overload]
            found[table] = row[0]
    return found


@pytest.mark.parametrize(
    "statement",
    [
        "select * from app.tenants",
        "select app.tenant()",
        "select count(*) from pg_class c, app.invoices i",
        "with gone as (delete from app.tenants returning 1) select count(*) from gone",
        "select relname from pg_class for update",
        "select * into app.copied from pg_class",
        "select set_config('app.tenant_id', 'x', false)",
        "select pg_terminate_backend(1)",
        "set session authorization leak_app",
        "select 1; set role leak_app",
        "insert into app.tenants (name) values ('x')",
        "truncate app.tenants",
        "no sql at all",
    ],
)
def test_a_catalog_session_refuses_all_but_the_catalogs(clean: Database, statement: str) -> None:
    with CatalogSession(clean.conninfo) as session:
        outcome = session.run("begin", statement)
        assert outcome.sqlstate == "25006"
        assert "--static" in outcome.message
        # Its permitted twin: the same session answers questions about the catalogs.
        permitted = "with t as (select oid from pg_class) select count(*), has_schema_privilege('app', 'usage') from t"
        assert not session.run("begin", permitted, "rollback").refused
        assert session.run("select relname from pg_class where relname = 'invoices'").rows == (("invoices",),)


@pytest.mark.parametrize("arguments", [("--in-place",), ("--against", "HEAD"), ("--emit", "x")])
def test_static_refuses_what_needs_attacks(run: Run, tenancy: Path, arguments: tuple[str, ...]) -> None:
    code, out, err = run("--static", *arguments, "--database", "x", "--tenancy", str(tenancy))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: --static attacks nothing, so {arguments[0]} cannot be given with it")


def test_static_needs_a_database(run: Run, tenancy: Path) -> None:
    code, _, err = run("--static", "--tenancy", str(tenancy))
    assert code == 2
    assert err.startswith("error: no database given")
    assert "hint: Give --database postgresql://user@host/name." in err


# --in-place


def test_in_place_needs_the_marker(run: Run, clean: Database, tenancy: Path) -> None:
    execute(clean.conninfo, f"comment on database \"{clean.name}\" is 'our production database'")
    execute(clean.conninfo, "insert into app.tenants values (gen_random_uuid(), 'a real customer')")
    arguments = ("--in-place", "--database", clean.conninfo, "--tenancy", str(tenancy))
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: database is not marked as disposable: {clean.name}")
    assert "detail: " in err
    assert "hint: Leave --in-place out to attack a copy; or, if it may be thrown away, run: comment on" in err
    with psycopg.connect(clean.conninfo) as connection:
        assert connection.execute("select count(*) from app.tenants").fetchone() == (1,)
    # What the hint says to type is what lets it through.
    execute(clean.conninfo, err.split("run: ")[1].strip())
    code, out, err = run(*arguments)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].endswith(" 0 leak, 0 unverified")
    with psycopg.connect(clean.conninfo) as connection:
        rows = connection.execute("select count(*) from app.tenants").fetchone()
    assert rows is not None and rows[0] > 1  # it was this database that was attacked


def test_in_place_needs_a_superuser(run: Run, clean: Database, reader: str, tenancy: Path) -> None:
    code, _, err = run("--in-place", "--database", reader, "--tenancy", str(tenancy))
    assert code == 2
    assert err.startswith("error: login is no superuser: leak_reader")


def test_in_place_needs_a_database_and_no_module(run: Run, tenancy: Path) -> None:
    code, _, err = run("--in-place", "--tenancy", str(tenancy))
    assert (code, err.splitlines()[0]) == (2, "error: no database given")
    code, _, err = run("core", "--in-place", "--database", "x", "--tenancy", str(tenancy))
    assert code == 2 and "MODULE cannot be given with it" in err


# A database that may only be read


def test_missing_rights_are_named(run: Run, reader: str, tenancy: Path) -> None:
    code, out, err = run("--database", reader, "--tenancy", str(tenancy))
    assert (code, out) == (2, "")
    assert err.startswith("error: login may not copy the schema: leak_reader")
    assert "usage on schema app" in err
    assert "select on app.context_key, app.invoice_lines, app.invoices, app.memberships" in err
    assert "grant pg_read_all_data to leak_reader" in err and "--static" in err


def test_the_named_rights_are_enough(run: Run, clean: Database, reader: str, tenancy: Path) -> None:
    execute(clean.conninfo, "grant pg_read_all_data to leak_reader")
    try:
        code, out, err = run("--database", reader, "--tenancy", str(tenancy))
        assert (code, err) == (0, "")
        assert out.splitlines()[-1].endswith(" 0 leak, 0 unverified")
    finally:
        execute(clean.conninfo, "revoke pg_read_all_data from leak_reader")


# Bad input, as it is met


BELIEVING = """
    do $$ begin create role leak_app nologin; exception when duplicate_object or unique_violation then null; end $$;
    create schema shop; grant usage on schema shop to leak_app;
    create table shop.orders (tenant_id uuid not null, id uuid primary key);
    alter table shop.orders enable row level security, force row level security;
    create policy own on shop.orders to leak_app
        using (tenant_id::text = current_setting('application_name'));
    grant select on shop.orders to leak_app
"""


def test_a_context_that_changes_nothing_is_vacuous(run: Run, database: Database, tmp_path: Path) -> None:
    execute(database.conninfo, BELIEVING)
    right = "select set_config('application_name', {tenant}, true)"
    wrong = "select set_config('shop.tenant', {tenant}, true)"
    for statement, expected in ((right, 0), (wrong, 2)):
        file = tenancy_file(tmp_path, app_roles=["leak_app"], context=[statement])
        code, out, _ = run("--database", database.conninfo, "--tenancy", str(file))
        said = "the proof as leak_app is vacuous: the context changes nothing [proof_is_vacuous]" in out
        assert (code, said) == (expected, expected == 2), out
    # One finding says it for all that it leaves unproven.
    assert "Not proven for that: shop.orders." in out
    assert "Correct context under [tenancy]" in out
    assert "path_unverified" not in out


def test_no_second_tenant_is_unverified(run: Run, clean: Database, tenancy: Path) -> None:
    execute(
        clean.conninfo, "alter table app.tenants add column only_one int not null default 1 unique check (only_one = 1)"
    )
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "json")
    report = json.loads(out)
    assert code == 2, report
    assert report["summary"]["unverified"] > 0
    assert {finding["verdict"] for finding in report["findings"]} >= {"unverified"}
    assert not [finding for finding in report["findings"] if finding["severity"] == "error"]


@pytest.mark.parametrize("attribute", ["superuser", "bypassrls"])
def test_an_app_role_past_policies_is_the_finding(run: Run, clean: Database, tenancy: Path, attribute: str) -> None:
    execute(clean.conninfo, f"alter role leak_app {attribute}")
    try:
        code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "json")
        static_code, static_out, _ = run(
            "--static", "--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "json"
        )
    finally:
        execute(clean.conninfo, f"alter role leak_app no{attribute}")
    assert (code, static_code) == (1, 1)
    for text in (out, static_out):
        finding = next(item for item in json.loads(text)["findings"] if item["rule"] == "app_role_bypasses_rls")
        assert finding["severity"] == "error"
        # The probes that it makes meaningless are named.
        assert "would prove nothing and were not run" in finding["detail"]
        assert "app.invoices" in finding["detail"]
    assert not [item for item in json.loads(out)["findings"] if item["rule"] == "path_holds"]

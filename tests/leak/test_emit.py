"""The emitted pgTAP files need no dbkit: they pass on the schema they were made from and fail on a broken one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from leak_schema import execute

from dbkit.config import Config
from dbkit.leak import prove
from dbkit.leak.emit import emit
from dbkit.postgres import Database, Template
from dbkit.tap.pgtap import ensure_pgtap
from dbkit.tenancy.declaration import Declaration


@pytest.fixture
def fresh(clean_template: Template, config: Config) -> Iterator[Database]:
    """A copy without rows, with pgTAP."""
    with clean_template.clone() as clone:
        ensure_pgtap(clone.conninfo, config=config)
        yield clone


def failures(conninfo: str, file: Path) -> tuple[int, list[str]]:
    """Run a file as a plain client would: tests run, and those that failed."""
    from dbkit.sqltext import split

    lines: list[str] = []
    with psycopg.connect(conninfo, autocommit=True) as connection:
        path = connection.execute("select n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
                                  " where p.proname = 'cmp_ok' limit 1").fetchone()  # fmt: skip
        assert path is not None
        connection.execute(f"set search_path = public, {path[0]}")  # type: ignore[call-overload]
        for statement in split(file.read_text(encoding="utf-8")):
            cursor = connection.execute(statement.text)  # type: ignore[call-overload]
            if cursor.description:
                lines += [str(row[0]) for row in cursor.fetchall()]
    tests = [line for line in lines if line.startswith(("ok", "not ok"))]
    return len(tests), [line.splitlines()[0] for line in tests if line.startswith("not ok")]


def test_the_files_pass_and_go_red(clean: Database, fresh: Database, declaration: Declaration, tmp_path: Path) -> None:
    files = emit(prove(clean.conninfo, declaration), tmp_path / "emitted")
    names = {file.name for file in files}
    assert {"app.invoices.sql", "app.invoice_lines.sql", "app.memberships.sql"} <= names
    invoices = next(file for file in files if file.name == "app.invoices.sql")
    text = invoices.read_text(encoding="utf-8")
    assert "works" in text and "reaches no other tenant" in text
    for file in files:
        ran, failed = failures(fresh.conninfo, file)
        assert failed == []
        assert f"select plan({ran});" in file.read_text(encoding="utf-8")
    # The attacks notice a leak …
    execute(fresh.conninfo, "alter policy own_update on app.invoices using (true)")
    failed = failures(fresh.conninfo, invoices)[1]
    assert any("UPDATE all rows taken over reaches no other tenant" in line for line in failed)
    # … and the controls notice a schema that lets nobody in.
    execute(fresh.conninfo, "alter policy own_update on app.invoices using (false)")
    failed = failures(fresh.conninfo, invoices)[1]
    assert any("control: by key works" in line for line in failed)


VIEWS = """
    create view app.open_invoices with (security_invoker = true) as select id, tenant_id, number from app.invoices;
    grant select on app.open_invoices to leak_app;
    create materialized view app.all_numbers as select tenant_id, number from app.invoices;
"""


@pytest.mark.parametrize(
    ("broken", "file", "expected"),
    [
        (
            "alter view app.open_invoices reset (security_invoker)",
            "app.open_invoices.sql",
            "leak_app, right: SELECT reaches no other tenant",
        ),
        (
            "revoke select on app.open_invoices from leak_app",
            "app.open_invoices.sql",
            "leak_app, right: SELECT control works",
        ),
        (
            "alter policy own_select on app.invoices using (false)",
            "app.invoices.sql",
            "leak_app, right: SELECT control works",
        ),
        (
            "alter table app.invoices no force row level security",
            "guards.sql",
            "row security on app.invoices is forced",
        ),
        (
            "grant truncate on app.invoices to public",
            "guards.sql",
            "leak_app may not truncate app.invoices, which no policy judges",
        ),
        (
            """create or replace function app.set_context(p_user uuid, p_tenant uuid) returns void
               language plpgsql security definer set search_path = pg_catalog, pg_temp
               as $$ begin perform set_config('app.tenant_id', p_tenant::text, false); end $$;
               create or replace function app.tenant() returns uuid language sql stable
               as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$""",
            "residue.sql",
            "leak_app, residue: SELECT reaches no other tenant",
        ),
    ],
    ids=["view", "view control", "select control", "force", "truncate", "residue"],
)
def test_every_kind_of_file_goes_red(
    clean: Database,
    fresh: Database,
    declaration: Declaration,
    tmp_path: Path,
    broken: str,
    file: str,
    expected: str,
) -> None:
    for database in (clean, fresh):
        execute(database.conninfo, VIEWS)
    files = {path.name: path for path in emit(prove(clean.conninfo, declaration), tmp_path)}
    assert failures(fresh.conninfo, files[file])[1] == []
    execute(fresh.conninfo, broken)
    failed = failures(fresh.conninfo, files[file])[1]
    assert any(expected in line for line in failed), failed


def test_files_leave_nothing_behind(clean: Database, fresh: Database, declaration: Declaration, tmp_path: Path) -> None:
    """Even the one that has to commit; so they can run in any order, and again."""
    files = emit(prove(clean.conninfo, declaration), tmp_path)
    for file in [*files, *reversed(files)]:
        assert failures(fresh.conninfo, file)[1] == [], file.name
    with psycopg.connect(fresh.conninfo) as connection:
        for table in ("users", "tenants", "memberships", "invoices", "invoice_lines"):
            assert connection.execute(f"select count(*) from app.{table}").fetchone() == (0,)  # type: ignore[call-overload]

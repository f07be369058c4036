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
from dbkit.tenancy import Declaration


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

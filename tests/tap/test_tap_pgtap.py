"""pgTAP as an extension, as plain SQL, and where it comes from."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from dbkit import config as configuration
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Database, Server
from dbkit.tap import pgtap


def with_source(tmp_path: Path) -> Config:
    """A configuration that makes the SQL be loaded even where the extension is available."""
    source = pgtap.find_source() or pgtap.install_pgtap()
    return Config(root=tmp_path, test=configuration.TestConfig(pgtap=str(source.path)))


def run_a_test(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo) as connection:
        statements = ("select plan(1)", "select has_table('pg_catalog', 'pg_class', 'x')", "select * from finish()")
        return [str(row[0]) for statement in statements for row in connection.execute(statement.encode())]


def test_as_the_server_has_it(database: Database) -> None:
    first = pgtap.ensure_pgtap(database.conninfo)
    second = pgtap.ensure_pgtap(database.conninfo)
    assert first.created and not second.created
    assert first.schema == second.schema == "public"
    assert run_a_test(database.conninfo) == ["1..1", "ok 1 - x"]


def test_as_plain_sql(database: Database, tmp_path: Path) -> None:
    loaded = pgtap.ensure_pgtap(database.conninfo, config=with_source(tmp_path))
    assert (loaded.extension, loaded.created) == (False, True)
    assert run_a_test(database.conninfo) == ["1..1", "ok 1 - x"]
    with psycopg.connect(database.conninfo) as connection:
        assert connection.execute("select 1 from pg_extension where extname = 'pgtap'").fetchone() is None


def test_a_database_without_public_gets_schema_tap(database: Database, tmp_path: Path) -> None:
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute("drop schema public")
    assert pgtap.ensure_pgtap(database.conninfo, config=with_source(tmp_path)).schema == "tap"
    assert run_a_test(database.conninfo + " options='-c search_path=tap'") == ["1..1", "ok 1 - x"]


def test_the_newest_in_the_cache_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path))
    folder = tmp_path / "pgtap"
    folder.mkdir()
    for name, text in (
        ("pgtap--1.2.0.sql", "select 1;"),
        ("pgtap--1.10.0.sql", "select 2;"),
        ("pgtap--1.2.0--1.3.0.sql", "select 3;"),
        ("pgtap--1.11.0.sql", "as 'MODULE_PATHNAME'"),
    ):
        (folder / name).write_text(text)
    found = pgtap.find_source()
    assert found is not None and found.version == "1.10.0"
    before = pgtap.digest()
    (folder / "pgtap--1.10.0.sql").write_text("select 22;")
    assert pgtap.digest() != before


def test_a_wrong_setting_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DbkitError, match="pgTAP not found"):
        pgtap.find_source(Config(root=tmp_path, test=configuration.TestConfig(pgtap="nowhere.sql")))


def test_without_any_copy_it_says_what_to_do(
    server: Server, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(pgtap, "SYSTEM_FOLDERS", ())
    if "pgtap" in server.available_extensions():
        assert pgtap.ensure_pgtap(database.conninfo).extension
        return
    with pytest.raises(DbkitError, match="pgTAP is not installed"):
        pgtap.ensure_pgtap(database.conninfo)


def test_install_keeps_a_copy_and_names_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBKIT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(pgtap, "SYSTEM_FOLDERS", ())

    def offline(_: Path) -> None:
        raise subprocess.CalledProcessError(100, "fetch", stderr="E: no network\n")

    def fetched(scratch: Path) -> None:
        folder = scratch / "unpacked" / "extension"
        folder.mkdir(parents=True)
        (folder / "pgtap--1.3.5.sql").write_text("select 1;")

    monkeypatch.setattr(pgtap, "_fetch_debian", offline)
    monkeypatch.setattr(pgtap, "_fetch_npm", offline)
    with pytest.raises(DbkitError, match="could not be downloaded") as refused:
        pgtap.install_pgtap()
    assert refused.value.detail == "apt-get: E: no network. npm: E: no network."
    monkeypatch.setattr(pgtap, "_fetch_npm", fetched)
    installed = pgtap.install_pgtap()
    assert installed.path == tmp_path / "pgtap" / "pgtap--1.3.5.sql"
    assert pgtap.install_pgtap() == replace(installed)

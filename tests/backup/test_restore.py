"""`dbkit restore-verify`: a good dump comes back whole; each kind of bad one fails and says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from production import PEOPLE, Production
from psycopg.conninfo import make_conninfo

from dbkit.backup import restore as restoring
from dbkit.backup.dump import Manifest, back_up, digest, manifest_path, read_manifest
from dbkit.backup.picture import Picture, compare
from dbkit.backup.restore import Verification, contents_without, live_picture, record, verify, why_not_record
from dbkit.cli import cli
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Server


class Saved(NamedTuple):
    """A backup of the production database, and how to verify it."""

    path: Path
    manifest: Manifest
    check: Callable[[], Verification]


@pytest.fixture
def saved(config: Config, server: Server, production: Production, tmp_path: Path) -> Saved:
    path, manifest = back_up(config, production.backup, tmp_path)
    return Saved(path, manifest, lambda: verify(server, config, path, manifest.picture, manifest))


def rules(result: Verification) -> list[str]:
    return [finding.rule for finding in result.findings]


def test_a_good_dump_comes_back_whole(saved: Saved, production: Production) -> None:
    result = saved.check()
    assert rules(result) == []
    assert result.restored is not None
    assert result.restored.rows == saved.manifest.picture.rows
    assert record(production.backup, saved.manifest.backup_id, result) is None
    assert production.ask(
        "select backup_id, ok, (row_counts ->> 'core.tenants')::integer, mismatches from core.restore_verifications"
    ) == [(saved.manifest.backup_id, True, PEOPLE, [])]


def test_bytes_that_changed_are_told(saved: Saved) -> None:
    """In the middle of the compressed rows, where pg_restore itself may or may not notice."""
    content = bytearray(saved.path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 2000):
        content[place] ^= 0x5A
    saved.path.write_bytes(content)
    result = saved.check()
    assert not result.ok
    assert result.findings[0].rule == "dump_changed"
    assert "as many bytes, but not the same" in result.findings[0].message


def test_a_truncated_dump_says_that_it_ends_early(saved: Saved) -> None:
    content = saved.path.read_bytes()
    saved.path.write_bytes(content[: len(content) * 2 // 3])
    result = saved.check()
    assert rules(result) == ["dump_changed", "restore_failed"]
    assert f"{len(content)} were written" in result.findings[0].message
    assert "end of file" in (result.findings[1].detail or "")


def test_damage_from_before_the_checksum_is_found_by_restoring(
    saved: Saved, config: Config, server: Server, production: Production
) -> None:
    """A disk that lied to pg_dump: the manifest is true to a file that was never good."""
    content = saved.path.read_bytes()
    saved.path.write_bytes(content[: len(content) // 2])
    manifest = replace(saved.manifest, size=len(content) // 2, sha256=digest(saved.path))
    result = verify(server, config, saved.path, manifest.picture, manifest)
    assert rules(result) == ["restore_failed"]
    assert record(production.backup, manifest.backup_id, result) is None
    assert production.ask("select ok, jsonb_array_length(mismatches) from core.restore_verifications") == [(False, 1)]


def test_a_file_that_is_no_dump_is_told(saved: Saved) -> None:
    saved.path.write_bytes(b"hello")
    assert rules(saved.check()) == ["dump_changed", "restore_failed"]


def test_an_extension_that_is_not_to_be_had_is_named(saved: Saved, config: Config, server: Server) -> None:
    wanted = replace(saved.manifest.picture, extensions={**saved.manifest.picture.extensions, "nonesuch": "1.0"})
    result = verify(server, config, saved.path, wanted, saved.manifest)
    assert rules(result) == ["extension_missing"]
    assert result.findings[0].object == "nonesuch"


def test_an_extension_is_left_out_as_asked(
    config: Config, server: Server, production: Production, tmp_path: Path
) -> None:
    """A note, with the rest restored; its twin without the option has the extension."""
    production.run("create extension hstore schema core")
    path, manifest = back_up(config, production.backup, tmp_path)
    result = verify(server, config, path, manifest.picture, manifest, without=["hstore"])
    assert (rules(result), result.ok) == (["extension_left_out"], True)
    assert result.restored is not None
    assert "hstore" not in result.restored.extensions
    result = verify(server, config, path, manifest.picture, manifest)
    assert rules(result) == []
    assert result.restored is not None
    assert "hstore" in result.restored.extensions


CONTENTS = """;
; Archive created at 2026-01-02 03:04:05 UTC
;
3; 3079 16400 EXTENSION - pg_cron
4102; 0 0 COMMENT - EXTENSION pg_cron
2; 3079 16388 EXTENSION - pg_cron_two
7; 2615 16500 SCHEMA - core app_owner
4103; 0 0 ACL - SCHEMA cron postgres
4104; 0 16410 TABLE DATA cron job postgres
4105; 0 0 SEQUENCE SET cron jobid_seq postgres
4106; 0 16501 TABLE DATA core cron_jobs app_owner
4107; 0 16502 TABLE DATA core cron app_owner
"""


def test_what_belongs_to_an_extension_goes_with_it() -> None:
    left = contents_without(CONTENTS.replace("pg_cron\n", "pg_cron \n"), ["pg_cron"], {"cron": "pg_cron"})
    numbers = [line.partition(";")[0] for line in left.splitlines() if not line.startswith(";")]
    assert numbers == ["2", "7", "4106", "4107"]


def test_an_older_server_is_no_place_to_restore(saved: Saved, config: Config, server: Server) -> None:
    with pytest.raises(DbkitError, match="the disposable server is PostgreSQL"):
        verify(server, config, saved.path, replace(saved.manifest.picture, server=990001), saved.manifest)


def test_a_dump_of_another_day_differs_in_what_happened_since(
    saved: Saved, config: Config, server: Server, production: Production
) -> None:
    """Without a manifest the live database is the measure: rows, tables, constraints and migrations of today."""
    manifest_path(saved.path).unlink()
    assert read_manifest(saved.path) is None
    production.run(
        "delete from core.tenants where id = md5('1')::uuid",
        "create table core.later (id integer primary key)",
        "alter table core.users add constraint users_name_short check (length(name) < 9)",
        "update dbkit.migrations set version = '20990101000000' where line = 'core'",
    )
    result = verify(server, config, saved.path, live_picture(production.backup), None)
    # where the deletion was logged: the month may have turned since the dump
    newest = "select tableoid::regclass::text from core.audit_log order by id desc limit 1"
    ((audit_partition,),) = production.ask(newest)
    assert {(finding.rule, finding.object) for finding in result.findings} == {
        ("rows_differ", "core.tenants"),
        ("rows_differ", "core.backup_runs"),
        ("rows_differ", audit_partition),
        ("table_missing", "core.later"),
        ("constraint_missing", "core.later later_pkey"),
        ("constraint_missing", "core.users users_name_short"),
        ("migration_differs", "core"),
    }


def test_a_live_database_is_not_measured_through_row_security(production: Production) -> None:
    with pytest.raises(DbkitError, match="sees only the rows"):
        live_picture(production.migrator)


PICTURE = Picture(150000, {"a.t": 2}, {"a.t c": "CHECK (x)"}, {"pgcrypto": "1.3"}, {"core": "1"})


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        (PICTURE, None),
        (replace(PICTURE, rows={"a.t": 1}), "rows_differ"),
        (replace(PICTURE, rows={}), "table_missing"),
        (replace(PICTURE, rows={"a.t": 2, "a.u": 0}), "table_unexpected"),
        (replace(PICTURE, constraints={"a.t c": "CHECK (x) NOT VALID"}), "constraint_not_valid"),
        (replace(PICTURE, constraints={"a.t c": "CHECK (y)"}), "constraint_differs"),
        (replace(PICTURE, constraints={}), "constraint_missing"),
        (replace(PICTURE, extensions={}), "extension_missing"),
        (replace(PICTURE, extensions={"pgcrypto": "1.4"}), "extension_version"),
        (replace(PICTURE, migrations={}), "migration_differs"),
    ],
)
def test_each_difference_has_a_name(found: Picture, rule: str | None) -> None:
    assert [finding.rule for finding in compare(PICTURE, found)] == ([rule] if rule else [])


def test_the_command_restores_where_no_role_of_the_dump_exists(
    production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From backup to record, on a server of its own; then the same with a damaged file."""
    monkeypatch.setenv("DBKIT_DATABASE_URL", production.backup)
    runner = CliRunner()
    done = runner.invoke(cli, ["backup", "--directory", str(tmp_path), "--format", "json"])
    assert done.exit_code == 0, done.output
    dump = Path(json.loads(done.stdout)["file"])

    done = runner.invoke(cli, ["restore-verify", str(dump)])
    assert done.exit_code == 0, done.output
    assert "came back whole" in done.stdout

    dump.write_bytes(dump.read_bytes()[:-2000])
    done = runner.invoke(cli, ["restore-verify", str(dump)])
    assert done.exit_code == 1, done.output
    assert "NOT a backup to rely on" in done.stdout
    assert production.ask("select ok from core.restore_verifications order by id") == [(True,), (False,)]


def test_where_it_is_recorded_is_asked_before_the_work(production: Production, saved: Saved) -> None:
    manifest = saved.manifest
    assert why_not_record(production.backup, manifest) is None
    assert why_not_record(production.backup, None) is None
    other = why_not_record(production.backup, replace(manifest, database="elsewhere"))
    assert other is not None and other.startswith("the dump is of elsewhere, and the database named is ")
    elsewhere = why_not_record(make_conninfo(production.admin, dbname="postgres"), manifest)
    assert elsewhere == "postgres has no core.log_restore_verification"
    with pytest.raises(DbkitError, match="the outcome cannot be recorded"):
        why_not_record(make_conninfo(production.admin, user="app_login_a"), manifest)
    with pytest.raises(DbkitError, match="cannot connect"):
        why_not_record(make_conninfo(production.admin, dbname="nowhere"), manifest)


def test_a_verdict_that_cannot_be_recorded_is_told_all_the_same(
    production: Production, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBKIT_DATABASE_URL", production.backup)
    monkeypatch.setattr(restoring, "_RECORD", "select core.no_such_function(%s, %s, %s, %s)")
    done = CliRunner().invoke(cli, ["restore-verify", str(saved.path)])
    assert done.exit_code == 0, done.output
    assert "came back whole" in done.stdout
    assert "not recorded: function core.no_such_function" in done.stdout


@pytest.mark.parametrize(
    "complaint",
    [
        'could not execute query: ERROR:  could not extend file "base/1/2": No space left on device',
        'ERROR:  could not extend file "base/1/2": wrote only 4096 of 8192 bytes\nHINT:  Check free disk space.',
        "could not execute query: server closed the connection unexpectedly",
    ],
)
def test_a_disposable_server_without_room_is_no_verdict_on_the_dump(
    saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str
) -> None:
    program = tmp_path / "pg_restore"
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\npg_restore: error: {complaint}\nEND\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(restoring, "client_program", lambda *_: program)
    with pytest.raises(DbkitError, match="the disposable server could not take the dump") as problem:
        saved.check()
    assert "DBKIT_RUN_DIR" in (problem.value.hint or "")


def test_a_dump_with_nothing_to_compare_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DBKIT_DATABASE_URL", "DATABASE_URL", "PGDATABASE", "PGHOST", "PGSERVICE"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "app.dump").write_bytes(b"PGDMP")
    done = CliRunner().invoke(cli, ["restore-verify", str(tmp_path / "app.dump")])
    assert isinstance(done.exception, DbkitError)
    assert done.exception.message == "nothing to compare the dump with"

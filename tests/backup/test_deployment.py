"""`dbkit deploy-check`: silent where a deployment did what it should, and one finding for each thing it should not."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from production import PEOPLE, Production

from dbkit.backup.deployment import Before, check_deployment, load, save
from dbkit.cli import cli
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Database

FAILED = "insert into core.error_events (action, message) select 'x', 'x' from generate_series(1, {count})"


def found(config: Config, production: Production, before: Before | None = None) -> list[str]:
    report, _ = check_deployment(config, production.backup, before=before)
    return sorted(finding.rule for finding in report.findings)


@pytest.fixture
def before(config: Config, production: Production) -> Before:
    """A picture of a database that was just backed up."""
    production.run("select core.finish_backup(core.start_backup('dump'), true, 1)")
    report, taken = check_deployment(config, production.backup)
    assert report.findings == []
    return taken


def test_a_database_that_was_not_backed_up_is_not_ready(config: Config, production: Production) -> None:
    assert found(config, production) == ["backup_missing"]
    production.run("select core.finish_backup(core.start_backup('dump'), false)")
    assert found(config, production) == ["backup_missing"]
    production.run("select core.finish_backup(core.start_backup('dump'), true)")
    assert found(config, production) == []
    production.run("update core.backup_runs set finished_at = clock_timestamp() - interval '27 hours'")
    assert found(config, production) == ["backup_missing"]


def test_an_ordinary_deployment_has_no_findings(config: Config, production: Production, before: Before) -> None:
    production.run(
        "create table core.fresh (id integer)", "insert into core.users (email, name) values ('n@example.test', 'n')"
    )
    assert found(config, production, before) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("delete from core.tenants where name = 't' and id = md5('1')::uuid", "rows_lost"),
        ("drop table core.login_attempts", "table_missing"),
        ("alter table core.tenants drop constraint tenants_pkey cascade", "constraint_missing"),
        (
            "alter table core.retention_policies drop constraint retention_policies_keep_positive,"
            " add constraint retention_policies_keep_positive check (keep > interval '0') not valid",
            "constraint_not_valid",
        ),
        ("update pg_index set indisvalid = false where indexrelid = 'core.users_pkey'::regclass", "invalid_index"),
        ("update dbkit.migrations set checksum = 'x' where line = 'core'", "applied_file_edited"),
    ],
)
def test_what_a_deployment_broke_is_named(
    config: Config, production: Production, before: Before, change: str, rule: str
) -> None:
    production.run(change)
    assert rule in found(config, production, before)


def test_a_schedule_that_stands_still_is_named(config: Config, production: Production, before: Before) -> None:
    production.run("update core.cron_runs set started_at = started_at - interval '1 hour'")
    assert found(config, production, before) == ["unhealthy"]


def test_errors_that_doubled_are_named(config: Config, production: Production, before: Before) -> None:
    production.run(FAILED.format(count=9))
    assert found(config, production, before) == []  # a few are always there
    production.run(FAILED.format(count=31))
    assert found(config, production, before) == ["more_errors"]
    # as many in a period as long before: nothing new
    earlier = Before(before.taken_at - timedelta(hours=1), before.picture)
    production.run(
        FAILED.format(count=40), "update core.error_events set created_at = now() - interval '90 min' where id > 40"
    )
    assert found(config, production, earlier) == []


def test_only_the_key_tables_are_counted(config: Config, production: Production, before: Before) -> None:
    _, taken = check_deployment(config, production.backup, tables=["core.tenants"])
    assert taken.picture.rows == {"core.tenants": PEOPLE}
    production.run("delete from core.login_attempts", "drop table core.login_attempts")
    assert found(config, production, taken) == []
    with pytest.raises(DbkitError, match=r"no such table: core\.nothing"):
        check_deployment(config, production.backup, tables=["core.nothing"])


def test_a_login_that_sees_a_part_is_refused(config: Config, production: Production) -> None:
    with pytest.raises(DbkitError, match="sees only the rows"):
        check_deployment(config, production.migrator)


def test_what_is_saved_is_loaded(before: Before, tmp_path: Path) -> None:
    save(before, tmp_path / "before.json")
    assert load(tmp_path / "before.json") == before
    (tmp_path / "other.json").write_text("{}")
    for name in ("other.json", "nothing.json"):
        with pytest.raises(DbkitError, match="cannot read"):
            load(tmp_path / name)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device to write to")
def test_a_picture_that_cannot_be_saved_takes_no_other_with_it(
    before: Before, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "before.json"
    save(before, file)
    whole = file.read_text()
    with pytest.raises(DbkitError, match="cannot write"):
        save(before, Path("/dev/full"))
    (tmp_path / "before.json.partial").mkdir()
    with pytest.raises(DbkitError, match="cannot write"):
        save(before, file)
    assert file.read_text() == whole


def test_the_command_before_and_after(production: Production, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBKIT_DATABASE_URL", production.backup)
    saved = str(tmp_path / "before.json")
    production.run("select core.finish_backup(core.start_backup('dump'), true)")
    done = CliRunner().invoke(cli, ["deploy-check", "--save", saved])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(cli, ["deploy-check", "--compare", saved])
    assert done.exit_code == 0, done.output
    production.run("delete from core.tenants")
    done = CliRunner().invoke(cli, ["deploy-check", "--compare", saved, "--format", "json"])
    assert done.exit_code == 1, done.output
    assert [finding["object"] for finding in json.loads(done.stdout)["findings"]] == ["core.tenants"]
    done = CliRunner().invoke(cli, ["deploy-check", "--compare", saved, "--save", saved])
    assert isinstance(done.exception, DbkitError)


def test_a_database_that_was_never_deployed_to_is_taken_for_the_wrong_one(
    config: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBKIT_DATABASE_URL", database.conninfo)
    done = CliRunner().invoke(cli, ["deploy-check"])
    assert done.exit_code == 1, done.output
    assert "no migration was ever applied to this database" in done.output and "--first" in done.output
    done = CliRunner().invoke(cli, ["deploy-check", "--first"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(cli, ["deploy-check", "--first", "--compare", "before.json"])
    assert isinstance(done.exception, DbkitError)

"""The commands on a standby: those that read work there, those that write say that it is one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from operators_shell import Shell
from test_promotion import SETTINGS, follow

from dbkit import build, seed
from dbkit.config import Config
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer

pytestmark = pytest.mark.xdist_group("standby")


@pytest.fixture(scope="module")
def standby(config: Config) -> Iterator[Shell]:
    """The shell of an operator who names the standby of a primary with core."""
    primary = LocalServer.start(choose_binaries(config), **SETTINGS)
    follower: LocalServer | None = None
    try:
        url = primary.conninfo("postgres")
        build.bootstrap(url, config)
        build.build(url, config)
        seed.load(url, config, "production")
        with psycopg.connect(url) as admin:
            # an unlogged table with a row, which the standby does not have
            admin.execute("insert into core.cache_lookups values (gen_random_uuid(), now(), 'reports', true)")
        follower = follow(primary, SETTINGS)
        yield Shell(config, follower.conninfo("postgres"))
    finally:
        if follower is not None:
            follower.stop()
        primary.stop()


def test_a_backup_of_a_standby_comes_back_whole(standby: Shell, tmp_path: Path) -> None:
    done = standby("backup", "--directory", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "not recorded in core.backup_runs" in done.stdout
    (dump,) = tmp_path.glob("*.dump")
    rows = json.loads((tmp_path / f"{dump.name}.json").read_text())["picture"]["rows"]
    assert rows["core.job_types"] > 10
    assert rows["core.cache_lookups"] == 0
    verified = Shell(standby.config)("restore-verify", str(dump))
    assert verified.returncode == 0, verified.stdout


def test_a_deployment_can_be_checked_against_it(standby: Shell) -> None:
    done = standby("deploy-check", "--table", "core.job_types", "--table", "core.cache_lookups")
    assert done.returncode in (0, 1), done.stderr
    assert "unlogged" not in done.stderr


@pytest.mark.parametrize("command", [("health",), ("top", "--once"), ("jobs", "stats"), ("cron", "list")])
def test_what_only_reads_works(standby: Shell, command: tuple[str, ...]) -> None:
    assert standby(*command).returncode in (0, 1)


def test_what_writes_says_where_to_go(standby: Shell) -> None:
    done = standby("cron", "run", "cache-purge")
    assert done.returncode == 2
    assert "error: this server only reads" in done.stderr
    assert "connect to the primary" in done.stderr


def test_a_worker_does_not_wait_on_it(standby: Shell) -> None:
    done = standby("worker", "--drain")
    assert done.returncode == 2
    assert "error: this server is a standby" in done.stderr
    assert "target_session_attrs=read-write" in done.stderr

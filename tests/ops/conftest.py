"""What the operators' commands are tried with: the command line as a shell sees it, and a server that has pg_cron."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dbkit import build, seed
from dbkit.config import Config
from dbkit.postgres import Database
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer

PRELOADED = ("pg_cron", "pg_stat_statements")


@dataclass
class Shell:
    """dbkit as a process, on one database."""

    config: Config
    conninfo: str | None = None

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        names = ("PG", "DBKIT_", "DATABASE_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
        where = ["--database", self.conninfo] if self.conninfo is not None else []
        done = subprocess.run(
            [sys.executable, "-m", "dbkit", *arguments, *where], cwd=self.config.root, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    def json(self, *arguments: str) -> dict[str, Any]:
        """The document a command that could run prints with --format json."""
        done = self(*arguments, "--format", "json")
        assert done.returncode < 2, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document


@pytest.fixture
def shell(config: Config, core_db: Database) -> Shell:
    """dbkit on a copy of core with its production seeds."""
    return Shell(config, core_db.conninfo)


@pytest.fixture
def shell_without_database(config: Config) -> Shell:
    """dbkit where nothing names a database."""
    return Shell(config)


@pytest.fixture(scope="session")
def busy_server(config: Config) -> Iterator[LocalServer]:
    """A server of our own that preloads pg_cron and pg_stat_statements, core in its database postgres."""
    binaries = choose_binaries(config)
    if lacking := binaries.missing(PRELOADED):
        pytest.skip(f"{binaries} lacks {', '.join(lacking)}: apt install postgresql-15-cron postgresql-contrib")
    server = LocalServer.start(
        binaries, shared_preload_libraries=",".join(PRELOADED),
        **{"cron.database_name": "postgres", "cron.use_background_workers": "on", "max_worker_processes": "16"},
    )  # fmt: skip
    try:
        url = server.conninfo("postgres")
        build.bootstrap(url, config)
        build.build(url, config)
        seed.load(url, config, "production")
        yield server
    finally:
        server.stop()

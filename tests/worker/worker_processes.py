"""A queue with a tenant, logins for workers and operators, and workers as processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from dbkit.postgres import Database

ANN = UUID("00000000-0000-4000-8000-00000000a001")
NORTH = UUID("00000000-0000-4000-8000-00000000b001")
PATIENCE = 120.0

# Handlers of job types that dbkit ships none for. What they do shows in files, for they run in another process.
HANDLERS = '''
import os, signal, sys, time
from pathlib import Path
from dbkit.worker import Job, JobError, PermanentError, handler

FOLDER = Path(__file__).parent

def note(job, word):
    with (FOLDER / "notes").open("a") as file:
        file.write(f"{word} {job.payload.get('name')} {job.attempt}\\n")

@handler("data_import")
def note_down(job: Job):
    """Notes begin and end; in between it waits for the file the payload names."""
    note(job, "began")
    gate = job.payload.get("gate")
    while gate and not (FOLDER / gate).exists():
        time.sleep(0.01)
    note(job, "ended")
    return {"name": job.payload.get("name"), "tenant": str(job.tenant_id)}

@handler("data_export")
def fail(job: Job):
    note(job, "began")
    kind = job.payload["kind"]
    if kind == "permanent":
        raise PermanentError("never")
    if kind == "later":
        raise JobError("not now", retry_after=7200)
    if kind == "exit":
        sys.exit(3)
    if kind == "result":
        return {"bad": object()}
    if kind == "null":
        return {"bad": "a\\0b"}
    if kind == "quote":
        raise ValueError(f"cannot use {job.payload!r} with null \\0 in it")
    raise ValueError("spoilt")

@handler("bulk_price_update")
def crash(job: Job):
    note(job, "began")
    os.kill(os.getpid(), signal.SIGKILL)

@handler("batch_email")
def until_cancelled(job: Job):
    note(job, "began")
    while not job.cancelled:
        time.sleep(0.01)
    note(job, "stopped")

@handler("inventory_sync", timeout=0.3)
def hang(job: Job):
    note(job, "began")
    time.sleep(3600)
'''


@dataclass
class Queue:
    """The queue of a database, as the application, the operator and a test's superuser see it."""

    database: Database
    login: str = "test_worker"

    @property
    def worker_conninfo(self) -> str:
        return make_conninfo(self.database.conninfo, user=self.login)

    @property
    def operator_conninfo(self) -> str:
        return make_conninfo(self.database.conninfo, user="test_operator")

    def admin(self, query: str, *parameters: Any) -> list[Any]:
        with psycopg.connect(self.database.conninfo, autocommit=True) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def enqueue(self, job_type: str, **payload: Any) -> UUID:
        """As the application does it, for ann of north."""
        return self.enqueue_all(job_type, [payload])[0]

    def enqueue_all(self, job_type: str, payloads: list[dict[str, Any]]) -> list[UUID]:
        with psycopg.connect(self.database.conninfo) as connection:
            connection.execute("set local role app_user")
            connection.execute("select core.set_context(%s, %s)", (ANN, NORTH))
            return [
                connection.execute("select core.enqueue(%s, %s)", (job_type, Jsonb(payload))).fetchone()[0]  # type: ignore[index]
                for payload in payloads
            ]

    def job(self, identifier: UUID) -> dict[str, Any]:
        with psycopg.connect(self.database.conninfo, row_factory=dict_row) as connection:
            row = connection.execute("select * from core.find_job(%s)", (identifier,)).fetchone()
        assert row is not None
        return row

    def until(self, identifier: UUID, status: str) -> dict[str, Any]:
        """The job once it is in this state."""
        wait_for(lambda: self.job(identifier)["status"] == status, lambda: str(self.job(identifier)))
        return self.job(identifier)


def wait_for(condition: Callable[[], bool], why: Callable[[], str] = lambda: "it never came true") -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)


@dataclass
class Process:
    """A worker as a process, and what it logged."""

    process: subprocess.Popen[str]
    events: list[dict[str, Any]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text.append(line)
            if line.startswith('{"at": '):
                self.events.append(json.loads(line))

    def named(self, event: str) -> list[dict[str, Any]]:
        return [one for one in list(self.events) if one["event"] == event]

    def until(self, event: str, times: int = 1) -> list[dict[str, Any]]:
        wait_for(
            lambda: (
                len(self.named(event)) >= times or (self.process.poll() is not None and not self._reader.is_alive())
            ),
            lambda: "".join(self.text),
        )
        assert len(self.named(event)) >= times, "".join(self.text)
        return self.named(event)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def left(self) -> int:
        """The exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code


@dataclass
class Workers:
    """Starts workers in a project of its own with the handlers above."""

    queue: Queue
    folder: Path
    stack: ExitStack

    def start(self, *arguments: str, conninfo: str | None = None, **environment: str) -> Process:
        command = [
            sys.executable,
            "-m",
            "dbkit",
            "worker",
            "--handlers",
            "jobs_of_tests",
            "--format",
            "json",
            *arguments,
        ]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("DBKIT_", "PG"))}
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={**inherited, "DBKIT_DATABASE_URL": conninfo or self.queue.worker_conninfo, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.stack.callback(_end, process)
        return Process(process)

    def drain(self, *arguments: str, **environment: str) -> Process:
        """Run a worker until nothing is due."""
        worker = self.start("--drain", *arguments, **environment)
        assert worker.left() == 0, "".join(worker.text)
        return worker

    def configure(self, toml: str) -> None:
        (self.folder / "dbkit.toml").write_text(toml)

    def open(self, gate: str) -> None:
        """Let the jobs go on that wait for this file."""
        (self.folder / gate).touch()

    @property
    def notes(self) -> list[str]:
        file = self.folder / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def until_noted(self, note: str) -> None:
        wait_for(lambda: note in self.notes, lambda: f"{note} is not among {self.notes}")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()


def prepare(database: Database, types: Mapping[str, int] | None = None) -> Queue:
    """Logins, a tenant, and job types whose attempts follow each other at once.

    Args:
        types: job type -> seconds of its lease.
    """
    queue = Queue(database)
    with psycopg.connect(database.conninfo, autocommit=True) as admin:
        for login, role in ((queue.login, "app_worker"), ("test_operator", "app_platform_admin")):
            create = f"create role {login} login; exception when duplicate_object or unique_violation then null;"
            admin.execute(f"do $$ begin {create} end $$")  # roles are the cluster's, other tests made them before
            admin.execute(f"grant {role} to {login}")
        admin.execute(
            "insert into core.users (id, auth_subject, email, name) values (%s, 'ann', 'ann@example.test', 'ann')",
            (ANN,),
        )
        admin.execute(
            "insert into core.tenants (id, system, name, owner_user_id) values (%s, 'crm', 'north', %s)", (NORTH, ANN)
        )
        admin.execute(
            "insert into core.memberships (tenant_id, user_id, role_key) values (%s, %s, 'OWNER')", (NORTH, ANN)
        )
        admin.execute("update core.job_types set backoff_minutes = '{0}'")
        for job_type, seconds in (types or {}).items():
            admin.execute("update core.job_types set lease_seconds = %s where job_type = %s", (seconds, job_type))
    return queue

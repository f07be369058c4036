"""What every source of a Postgres has in common: databases, templates keyed by content, clones.

A template is a finished database that new ones are copied from (`create database … strategy file_copy`), which takes
milliseconds where replaying the SQL takes seconds. Its name carries a hash of everything that went into it, so a
changed file gives a new template and an unchanged one is found again.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.errors import DbkitError

if TYPE_CHECKING:
    import psycopg

__all__ = ["MARKER", "Database", "Recipe", "Server", "Step", "Template", "make_conninfo"]

TEMPLATE_PREFIX = "dbkit_tpl_"
DATABASE_PREFIX = "dbkit_"
# Comment on every database we create; nothing without it is ever dropped.
MARKER = "dbkit disposable"
# Part of every template's hash: raise it when a change of ours makes old templates wrong.
FORMAT_VERSION = "1"
# Released clones are dropped in batches of this size: a drop right after disconnecting waits 100 ms in the server.
DROP_BATCH = 8


@dataclass(frozen=True)
class Step:
    """One layer of a template.

    Attributes:
        name: for messages, e.g. "module core".
        digest: hash of all that the step's outcome depends on.
        apply: gets the superuser's conninfo of the database being built and leaves no connection open.
    """

    name: str
    digest: str
    apply: Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """Layers in order. Each layer is a template of its own, so a change re-runs only what lies above it."""

    steps: tuple[Step, ...]

    def hashes(self, server_identity: str) -> list[str]:
        """The hash of each prefix of the steps, 16 hex digits."""
        hashes, running = [], f"{FORMAT_VERSION}\n{server_identity}"
        for step in self.steps:
            running = hashlib.sha256(f"{running}\n{step.name}\n{step.digest}".encode()).hexdigest()[:16]
            hashes.append(running)
        return hashes


@dataclass(frozen=True)
class Database:
    """A database of a disposable server.

    Attributes:
        name: its name.
        conninfo: libpq connection string of the superuser.
        server: the server it lives on.
    """

    name: str
    conninfo: str
    server: Server


class Server:
    """A running server on which databases may be created and thrown away.

    Subclasses say how it is reached (`conninfo`) and how it is stopped (`stop`).
    """

    provider = "?"
    bin_dir: Path | None = None
    superuser = "postgres"

    def __init__(self, pool_size: int = 2) -> None:
        self._pool_size = pool_size
        self._admin_connection: psycopg.Connection[Any] | None = None
        self._admin_lock = threading.RLock()
        self._names = itertools.count(1)
        self._templates: list[Template] = []
        self._released: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.handed_out = False  # a database was given to somebody, so the cluster cannot be stopped for a moment

    # -- what subclasses provide ---------------------------------------------------------------------------------

    def conninfo(self, dbname: str = "postgres", user: str | None = None) -> str:
        """libpq connection string for a database; `user` defaults to the superuser."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the server, or drop what was created on a server that stays."""
        raise NotImplementedError

    def last_words(self) -> str | None:
        """What the server logged as it broke down; None for one that did not, or whose log is not ours to read."""
        return None

    def template_built(self, hashes: list[str]) -> None:
        """Called after a template was newly built, before anything is cloned from it."""

    # -- facts ---------------------------------------------------------------------------------------------------

    @property
    def version_num(self) -> int:
        """server_version_num, e.g. 150018."""
        return self._admin().info.server_version

    @property
    def version(self) -> str:
        """Version as text, e.g. "15.18"."""
        return f"{self.version_num // 10000}.{self.version_num % 10000}"

    def available_extensions(self) -> dict[str, str]:
        """Extensions that can be created: name -> default version."""
        rows = self._admin().execute("select name, default_version from pg_available_extensions order by name")
        return dict(rows.fetchall())

    def identity(self) -> str:
        """What a template's content depends on besides its steps."""
        return f"{self.provider} {self.version_num}"

    # -- databases -----------------------------------------------------------------------------------------------

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A fresh, empty database for the length of a `with` block."""
        name = self.new_name()
        self.create_database(name, "template0")
        try:
            yield self.hand_out(name)
        finally:
            self.release(name)

    def template(self, recipe: Recipe) -> Template:
        """The finished template of a recipe, built layer by layer where it does not exist yet."""
        hashes = recipe.hashes(self.identity())
        built = False
        parent = "template0"
        for step, digest in zip(recipe.steps, hashes, strict=True):
            name = TEMPLATE_PREFIX + digest
            built |= self._ensure_template(name, parent, step)
            parent = name
        if built:
            self.template_built(hashes)
        template = Template(self, parent, self._pool_size)
        self._templates.append(template)
        return template

    def create_database(self, name: str, template: str) -> None:
        """Copy `template` file by file into a new database that carries our marker.

        Grants on the template itself (connect, create) are not copied: that is how PostgreSQL does it.
        """
        self.admin(f'create database "{name}" template "{template}" strategy file_copy')
        self.mark(name)

    def mark(self, name: str) -> None:
        """Put our marker on a database, with our pid and the time."""
        self.admin(f"""comment on database "{name}" is '{MARKER} {os.getpid()} {int(time.time())}'""")

    def new_name(self) -> str:
        """A name no other database of this server has."""
        return f"{DATABASE_PREFIX}{os.getpid()}_{next(self._names)}"

    def hand_out(self, name: str) -> Database:
        """Remember that somebody uses the server from now on."""
        self.handed_out = True
        return Database(name, self.conninfo(name), self)

    def release(self, name: str) -> None:
        """Give a database back; it is dropped later, many at once."""
        self._released.put(name)
        if self._released.qsize() >= DROP_BATCH:
            self.drop_released()

    def drop_released(self) -> None:
        """Drop every database that was given back."""
        while not self._released.empty():
            self.drop_database(self._released.get())

    def drop_database(self, name: str) -> None:
        """Drop one database of ours, ending its sessions."""
        self.admin(f'drop database if exists "{name}" with (force)')

    def admin(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction on the maintenance database; rows if it gives any."""
        with self._admin_lock:
            cursor = self._admin().execute(sql)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """Stop background work and close our own connection; part of every `stop`."""
        for template in self._templates:
            template.close()
        self._templates.clear()
        with self._admin_lock:
            if self._admin_connection is not None:
                self._admin_connection.close()
                self._admin_connection = None

    def _admin(self) -> psycopg.Connection[Any]:
        import psycopg

        with self._admin_lock:
            if self._admin_connection is None or self._admin_connection.closed:
                self._admin_connection = psycopg.connect(
                    self.conninfo(), autocommit=True, application_name="dbkit", connect_timeout=10
                )
            return self._admin_connection

    def _ensure_template(self, name: str, parent: str, step: Step) -> bool:
        """Build one layer unless it exists; True when it was built."""
        exists = f"select 1 from pg_database where datname = '{name}' and datistemplate"
        if self.admin(exists):
            return False
        with self._build_lock(name):
            if self.admin(exists):
                return False
            building = f"{name}_building"
            self.drop_database(building)  # left by a run that died
            self.create_database(building, parent)
            try:
                step.apply(self.conninfo(building))
                self.admin(f'alter database "{building}" rename to "{name}"')
            except BaseException:
                self.drop_database(building)
                raise
            # No new session may reach a template: a clone waits for the last one to leave.
            self.admin(f'alter database "{name}" with is_template true allow_connections false')
        return True

    @contextmanager
    def _build_lock(self, name: str) -> Iterator[None]:
        """One builder per template on a server that several runs share. Polled, so that nobody waits in a snapshot."""
        key = int(name[-15:], 16) - (1 << 59)
        deadline = time.monotonic() + 300
        while not self.admin(f"select pg_try_advisory_lock({key})")[0][0]:
            if time.monotonic() > deadline:
                raise DbkitError(
                    f"template {name} is being built by another run",
                    detail="It has held the build lock for five minutes.",
                    hint="Wait for it, or end that run, and try again.",
                )
            time.sleep(0.05)
        try:
            yield
        finally:
            self.admin(f"select pg_advisory_unlock({key})")


class Template:
    """A finished template and a small pool of clones made in advance by a background thread.

    Attributes:
        server: where it lives.
        name: its database name.
    """

    def __init__(self, server: Server, name: str, pool_size: int) -> None:
        self.server = server
        self.name = name
        self._pool_size = pool_size
        self._ready: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._filler: threading.Thread | None = None
        self._requests = 0

    @contextmanager
    def clone(self) -> Iterator[Database]:
        """A private copy for the length of a `with` block."""
        name = self._take()
        try:
            yield self.server.hand_out(name)
        finally:
            self.server.release(name)

    def close(self) -> None:
        """Stop making clones."""
        if self._filler is not None:
            self._wanted.put(False)
            self._filler.join()
            self._filler = None

    def _take(self) -> str:
        self._requests += 1
        if self._requests == 2 and self._pool_size > 0:
            # A run that asks twice will ask again; one that asks once should not pay for spares.
            self._filler = threading.Thread(target=self._fill, name=f"clones of {self.name}", daemon=True)
            self._filler.start()
            for _ in range(self._pool_size):
                self._wanted.put(True)
        try:
            name = self._ready.get_nowait()
        except queue.Empty:
            return self._make()
        self._wanted.put(True)
        return name

    def _make(self) -> str:
        name = self.server.new_name()
        self.server.create_database(name, self.name)
        return name

    def _fill(self) -> None:
        import psycopg

        while self._wanted.get():
            try:
                self._ready.put(self._make())
            except psycopg.Error:
                return  # the server is going down; a caller that still needs a clone gets the error itself


def make_conninfo(**parameters: str | int) -> str:
    """A libpq connection string with every value quoted."""
    return " ".join(
        "{}='{}'".format(key, str(value).replace("\\", "\\\\").replace("'", "\\'")) for key, value in parameters.items()
    )

"""`dbkit backup`: one consistent dump, and beside it what it must contain.

The rows are counted in the snapshot that pg_dump reads, so the numbers are those of the dump and of no other moment. A
dump gets its name when it is whole; whatever ends early leaves no file that looks like a backup.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.backup.picture import Picture, require_every_row, take
from dbkit.backup.programs import client_program, first_words
from dbkit.config import Config
from dbkit.conninfo import cannot_connect, for_program
from dbkit.errors import DbkitError
from dbkit.postgres.local import die_with_parent

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Manifest", "back_up", "digest", "manifest_path", "read_manifest"]

_FORMAT = 1
_LEFT_SECONDS = 3600
_CAN_RECORD = """
select coalesce(
    has_function_privilege(to_regprocedure('core.start_backup(text, text)'), 'execute')
    and has_function_privilege(to_regprocedure('core.finish_backup(bigint, boolean, bigint)'), 'execute')
    and not pg_is_in_recovery(), false)
"""


@dataclass(frozen=True)
class Manifest:
    """What is known of one dump, kept as JSON beside it.

    Attributes:
        database: name of the database.
        taken_at: when the dump began, UTC.
        size: bytes of the dump.
        sha256: of the dump, in hexadecimal.
        picture: what the dump holds.
        backup_id: row of core.backup_runs, None where the database keeps no such record.
    """

    database: str
    taken_at: datetime
    size: int
    sha256: str
    picture: Picture
    backup_id: int | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "database": self.database,
            "taken_at": self.taken_at.isoformat(),
            "size": self.size,
            "sha256": self.sha256,
            "backup_id": self.backup_id,
            "picture": self.picture.as_dict(),
        }


def back_up(config: Config, conninfo: str, directory: Path) -> tuple[Path, Manifest]:
    """Dump a database into a folder as `<database>-<UTC time>.dump`, with its manifest; both for the owner's eyes only.

    Raises:
        DbkitError: no connection, a login that does not see every row, no fitting pg_dump, a folder that cannot be
            written, or pg_dump failed. Nothing is left behind; the failure is in core.backup_runs.
    """
    import psycopg

    now = datetime.now(UTC)
    # Closed without a word: it wrote nothing, and the server may have ended it once pg_dump had the snapshot.
    with contextlib.closing(_connect(conninfo)) as connection:
        try:
            _refuse_pooler(connection, conninfo)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            require_every_row(connection)
            name = connection.info.dbname
            path = directory / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}-{now:%Y%m%dT%H%M%SZ}.dump"
            program = client_program(config, "pg_dump", connection.info.server_version // 10000)
            with _place(path) as partial, _recorded(conninfo, path) as record:
                picture = _dump(connection, conninfo, program, partial)
                manifest = Manifest(name, now, partial.stat().st_size, digest(partial), picture, record.backup_id)
                record.size = manifest.size
                _write(manifest_path(path), json.dumps(manifest.as_dict(), indent=2) + "\n")
                partial.rename(path)
        except psycopg.OperationalError as error:
            raise DbkitError(
                "the connection was lost during the backup",
                detail=f"{' '.join(str(error).split()).rstrip('.')}.",
                hint="Nothing is left of it: run it again. Why the server ended the session stands in its log.",
            ) from None
    return path, manifest


def manifest_path(dump: Path) -> Path:
    """Where the manifest of a dump is."""
    return dump.with_name(dump.name + ".json")


def read_manifest(dump: Path) -> Manifest | None:
    """The manifest beside a dump, None where there is none.

    Raises:
        DbkitError: the file is no manifest.
    """
    path = manifest_path(dump)
    if not path.exists():
        return None
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return Manifest(
            given["database"],
            datetime.fromisoformat(given["taken_at"]),
            given["size"],
            given["sha256"],
            Picture(**given["picture"]),
            given["backup_id"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DbkitError(
            f"not a manifest: {path.name}",
            detail=f"{type(error).__name__}: {error}.",
            hint="dbkit backup writes it; without one, name the live database with --database to compare with.",
        ) from None


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _connect(conninfo: str, **options: Any) -> Connection[Any]:
    import psycopg

    try:
        return psycopg.connect(conninfo, application_name="dbkit", connect_timeout=10, **options)
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None


def _refuse_pooler(connection: Connection[Any], conninfo: str) -> None:
    """pg_dump sets what it needs for its session: through a transaction pooler that would stay behind for others."""
    from dbkit.migrate.lock import pools_transactions
    from dbkit.migrate.session import Session

    row = connection.execute("select pg_backend_pid()").fetchone()
    connection.rollback()
    if row == (connection.info.backend_pid,):
        return
    with Session.connect(conninfo) as session:
        if pools_transactions(session):
            raise DbkitError(
                "the database is reached through a transaction pooler",
                detail="The settings of pg_dump, such as an empty search_path, would stay behind in its connections.",
                hint="Give the direct connection string of the server (port 5432 as a rule, not the pooler's).",
            )


def _dump(connection: Connection[Any], conninfo: str, program: Path, partial: Path) -> Picture:
    """Run pg_dump on the connection's snapshot and count the rows of that snapshot meanwhile."""
    row = connection.execute("select pg_export_snapshot()").fetchone()
    assert row is not None
    target, environment = for_program(conninfo)
    command = [str(program), "--format=custom", "--no-password", f"--snapshot={row[0]}", f"--file={partial}"]
    dumping = subprocess.Popen(
        [*command, f"--dbname={target}"], stderr=subprocess.PIPE, text=True, errors="replace", env=environment,
        preexec_fn=die_with_parent(signal.SIGTERM),  # or it would hold its snapshot for hours, and nobody wait for it
    )  # fmt: skip
    try:
        picture = take(connection)
        _, complaints = dumping.communicate()
    except BaseException:
        dumping.terminate()
        dumping.communicate()
        raise
    if dumping.returncode != 0:
        done = subprocess.CompletedProcess(command, dumping.returncode, "", complaints)
        raise DbkitError(
            "pg_dump failed",
            detail=f"{first_words(done, 'pg_dump')}.",
            hint=_mend(complaints, partial.parent),
        )
    return picture


def _mend(complaints: str, folder: Path) -> str:
    """What mends that of which pg_dump complained."""
    if re.search(r"no space left|disk quota", complaints, re.IGNORECASE):
        return f"Free some space in {folder}, or name another folder with --directory."
    if "permission denied" in complaints:
        return "The login needs to read everything: grant pg_read_all_data to it; dbkit bootstrap does."
    return "Nothing is left of it: run it again. If it fails alike, see the server's log."


@contextlib.contextmanager
def _place(path: Path) -> Iterator[Path]:
    """A file to write the dump to, which is gone at the end unless it was renamed.

    Its lock says that we live: what a run left that was killed is removed by the next one.
    """
    import fcntl

    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if path.exists():
            raise FileExistsError(f"{path} exists")
        _sweep(path.parent)
        held = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        if isinstance(error, FileExistsError) and path.parent.is_dir():
            raise DbkitError(
                "another backup writes this very file",
                detail=f"{error}.",
                hint="Run it again: its name holds the second.",
            ) from None
        raise DbkitError(
            f"cannot write to {path.parent}", detail=f"{error}.", hint="Name a folder with --directory."
        ) from None
    try:
        yield partial
    except OSError as error:
        raise DbkitError(
            f"cannot write to {path.parent}",
            detail=f"{error.strerror or error}.",
            hint="Free some space there, or name another folder with --directory.",
        ) from None
    finally:
        partial.unlink(missing_ok=True)
        if not path.exists():
            manifest_path(path).unlink(missing_ok=True)
        os.close(held)


def _sweep(folder: Path) -> None:
    """Remove unfinished dumps that nobody is writing any more: unlocked, and untouched for an hour.

    The lock alone would not do, for a folder that several machines share may keep it to one of them.
    """
    import fcntl

    for left in folder.glob("*.dump.partial"):
        with contextlib.suppress(OSError), left.open("rb") as file:  # it is locked, gone, or not ours
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


@dataclass
class _Record:
    backup_id: int | None = None
    size: int | None = None


@contextlib.contextmanager
def _recorded(conninfo: str, path: Path) -> Iterator[_Record]:
    """A row of core.backup_runs around the backup.

    Begin and end have a connection each: one that says nothing for the hours of a dump does not live to its end.
    A database without core, a standby, or a login that may not call the functions keeps no record.

    Raises:
        DbkitError: the backup succeeded, and that cannot be recorded.
    """
    import psycopg

    record = _Record()
    with _connect(conninfo, autocommit=True) as connection:
        if connection.execute(_CAN_RECORD).fetchone() == (True,):
            place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()
            row = connection.execute("select core.start_backup('dump', %s)", [place]).fetchone()
            record.backup_id = row[0] if row else None
    try:
        yield record
    except BaseException:
        with contextlib.suppress(psycopg.Error, DbkitError):  # what went wrong before is what counts
            _finish(conninfo, record, ok=False)
        raise
    try:
        _finish(conninfo, record, ok=True)
    except (psycopg.Error, DbkitError) as error:
        reason = (error.detail if isinstance(error, DbkitError) else None) or f"{error}."
        raise DbkitError(
            "the backup is whole, but core.backup_runs does not say so",
            detail=f"It is {path}. {' '.join(reason.split())}",
            hint="Keep it; its alert fires all the same until a backup is recorded.",
        ) from None


def _finish(conninfo: str, record: _Record, *, ok: bool) -> None:
    if record.backup_id is not None:
        with _connect(conninfo, autocommit=True) as connection:
            connection.execute("select core.finish_backup(%s, %s, %s)", [record.backup_id, ok, record.size])

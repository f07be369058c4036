"""`dbkit restore-verify`: bring a dump back on a disposable server and compare it with what was saved.

Everything that can be wrong with a dump is a finding with a reason: bytes that changed, a file that ends early, an
extension that is not to be had, rows that are missing. An error is only what keeps us from trying.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dbkit.backup.dump import Manifest, digest
from dbkit.backup.picture import Picture, compare, take
from dbkit.backup.programs import client_program, first_words, run
from dbkit.config import Config
from dbkit.conninfo import cannot_connect, for_program
from dbkit.errors import DbkitError
from dbkit.report import Finding, Severity

if TYPE_CHECKING:
    from dbkit.postgres import Server

__all__ = ["Verification", "live_picture", "record", "verify"]

_RECORD = "select core.log_restore_verification(%s, %s, %s, %s)"
_CAN_RECORD = "select to_regprocedure('core.log_restore_verification(bigint, boolean, jsonb, jsonb)') is not null"


@dataclass
class Verification:
    """What became of one dump.

    Attributes:
        findings: what differs; empty where everything came back.
        restored: what came back, None where nothing did.
    """

    findings: list[Finding] = field(default_factory=list)
    restored: Picture | None = None

    @property
    def ok(self) -> bool:
        return not self.mismatches

    @property
    def mismatches(self) -> list[str]:
        """One line for everything that is worse than a note."""
        return [
            ": ".join(filter(None, (finding.object, finding.message, finding.detail)))
            for finding in self.findings
            if finding.severity > Severity.NOTE
        ]


def verify(server: Server, config: Config, dump: Path, saved: Picture, manifest: Manifest | None) -> Verification:
    """Restore a dump and compare.

    Args:
        server: a disposable one, at least of the major version that was dumped.
        saved: what the dump must hold.
        manifest: what `dbkit backup` knows of the file; None where another tool made it.

    Raises:
        DbkitError: the file cannot be read, the server is too old, or there is no pg_restore for it.
    """
    result = Verification()
    result.findings += _file(dump, manifest)
    if server.version_num // 10000 < saved.major:
        raise DbkitError(
            f"the disposable server is PostgreSQL {server.version}, the dump is of {saved.major}",
            detail="A dump loads into the same major version or a newer one.",
            hint="Name newer server programs with DBKIT_PG_BIN, or another provider under [postgres].",
        )
    missing = sorted(saved.extensions.keys() - server.available_extensions().keys())
    if missing:
        result.findings += [_extension(name) for name in missing]
        return result

    program = client_program(config, "pg_restore", max(saved.major, server.version_num // 10000))
    with _roles(server, saved.roles), server.database() as database:
        target, environment = for_program(database.conninfo)
        done = run([program, "--exit-on-error", "--no-password", f"--dbname={target}", dump], environment)
        if done.returncode != 0:
            result.findings.append(
                Finding(
                    "restore_failed",
                    "the dump cannot be restored",
                    object=dump.name,
                    detail=f"{first_words(done, 'pg_restore')}.",
                    hint="Take another backup now, and keep the older ones until one of them is verified.",
                )
            )
        else:
            result.restored = _picture(database.conninfo)
            result.findings += compare(saved, result.restored)
    return result


def live_picture(conninfo: str) -> Picture:
    """What a database holds now, to compare a dump of another tool with.

    Raises:
        DbkitError: no connection, or a login that does not see every row.
    """
    import psycopg

    try:
        return _picture(conninfo)
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None


def record(conninfo: str, backup_id: int | None, result: Verification) -> bool:
    """Write the outcome to core.restore_verifications; False where the database has no such record.

    Raises:
        DbkitError: no connection, or the login may not write it.
    """
    import psycopg

    rows = result.restored.rows if result.restored else {}
    values = [backup_id, result.ok, json.dumps(rows), json.dumps(result.mismatches)]
    try:
        with psycopg.connect(conninfo, application_name="dbkit", connect_timeout=10) as connection:
            if connection.execute(_CAN_RECORD).fetchone() != (True,):
                return False
            connection.execute(_RECORD, values)
            return True
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise DbkitError(
            "the outcome cannot be recorded",
            detail=f"{error.diag.message_primary}.",
            hint="Connect as dbkit_backup or dbkit_migrator, or leave --database out.",
        ) from None


def _file(dump: Path, manifest: Manifest | None) -> Iterator[Finding]:
    """Whether the bytes are those that were written."""
    try:
        size = dump.stat().st_size
        if manifest is None or (size, digest(dump)) == (manifest.size, manifest.sha256):
            return
    except OSError as error:
        raise DbkitError(
            f"cannot read {dump}", detail=f"{error.strerror}.", hint="Name a file that dbkit backup or pg_dump wrote."
        ) from None
    was = f"{size} bytes, {manifest.size} were written" if size != manifest.size else "as many bytes, but not the same"
    yield Finding("dump_changed", f"the file is not what was written: {was}", object=dump.name)


def _extension(name: str) -> Finding:
    return Finding(
        "extension_missing",
        f"extension {name} cannot be had on the disposable server, so nothing was restored",
        object=name,
        hint="Install it for that server, or name one that has it under [postgres]; a real restore needs it too.",
    )


@contextlib.contextmanager
def _roles(server: Server, names: list[str]) -> Iterator[None]:
    """The roles that a dump refers to and does not hold, as mere names; those we made are gone at the end."""
    from psycopg import sql

    made: list[sql.Composable] = []
    present = {row[0] for row in server.admin("select rolname from pg_roles")}
    try:
        for name in sorted(set(names) - present):
            server.admin(sql.SQL("create role {} nologin").format(sql.Identifier(name)).as_string())
            made.append(sql.Identifier(name))
        yield
    finally:
        server.drop_released()  # a role that owns something cannot be dropped
        for role in made:
            server.admin(sql.SQL("drop role {}").format(role).as_string())


def _picture(conninfo: str) -> Picture:
    import psycopg

    with psycopg.connect(conninfo, application_name="dbkit", connect_timeout=10) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return take(connection)

"""`dbkit restore-verify`: bring a dump back on a disposable server and compare it with what was saved.

Everything that can be wrong with a dump is a finding with a reason: bytes that changed, a file that ends early, an
extension that is not to be had, rows that are missing. An error is only what keeps us from trying.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
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

__all__ = ["Verification", "contents_without", "live_picture", "record", "verify", "why_not_record"]

# What pg_restore complains of where the disposable server is to blame and not the dump.
_OURS = re.compile(
    r"No space left on device|Check free disk space|server closed the connection|terminating connection"
    r"|the database system is|connection to server .* failed",
    re.IGNORECASE,
)
_RECORD = "select core.log_restore_verification(%s, %s, %s, %s)"
_CAN_RECORD = """
select current_database(), f.oid is not null, has_function_privilege(f.oid, 'execute'), current_user
  from (select to_regprocedure('core.log_restore_verification(bigint, boolean, jsonb, jsonb)')::oid) as f (oid)
"""


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


def verify(
    server: Server,
    config: Config,
    dump: Path,
    saved: Picture,
    manifest: Manifest | None,
    *,
    without: Collection[str] = (),
) -> Verification:
    """Restore a dump and compare.

    Args:
        server: a disposable one, at least of the major version that was dumped.
        saved: what the dump must hold.
        manifest: what `dbkit backup` knows of the file; None where another tool made it.
        without: extensions to leave out with all that is theirs, such as one that needs a server made for it.

    Raises:
        DbkitError: the file cannot be read, the server is too old or has no room, or there is no pg_restore for it.
    """
    import psycopg

    result = Verification()
    result.findings += _file(dump, manifest)
    if server.version_num // 10000 < saved.major:
        raise DbkitError(
            f"the disposable server is PostgreSQL {server.version}, the dump is of {saved.major}",
            detail="A dump loads into the same major version or a newer one.",
            hint="Name newer server programs with DBKIT_PG_BIN, or another provider under [postgres].",
        )
    result.findings += [_left_out(name) for name in sorted(saved.extensions.keys() & set(without))]
    saved = replace(saved, extensions={name: v for name, v in saved.extensions.items() if name not in without})
    missing = sorted(saved.extensions.keys() - server.available_extensions().keys())
    if missing:
        result.findings += [_extension(name) for name in missing]
        return result

    program = client_program(config, "pg_restore", max(saved.major, server.version_num // 10000))
    try:
        with _roles(server, saved.roles), server.database() as database:
            target, environment = for_program(database.conninfo)
            command: list[str | Path] = [program, "--exit-on-error", "--no-password", f"--dbname={target}", dump]
            with _contents(program, dump, environment, saved.extension_schemas, without) as options:
                done = run([*command, *options], environment)
            if done.returncode == 0:
                result.restored = _picture(database.conninfo)
                result.findings += compare(saved, result.restored)
            elif _OURS.search(done.stderr):
                raise _no_place(first_words(done, "pg_restore"))
            else:
                result.findings.append(_not_restored(dump, first_words(done, "pg_restore")))
    except psycopg.OperationalError as error:
        raise _no_place(" ".join(str(error).split()).rstrip(".")) from None
    return result


def _not_restored(dump: Path, complaint: str) -> Finding:
    return Finding(
        "restore_failed",
        "the dump cannot be restored",
        object=dump.name,
        detail=f"{complaint}.",
        hint="If the file is to blame, take another backup now, and keep the older ones until one of them is verified. "
        "An extension that needs a server made for it: --without-extension NAME",
    )


def _no_place(complaint: str) -> DbkitError:
    """The disposable server gave up, which says nothing about the dump."""
    return DbkitError(
        "the disposable server could not take the dump",
        detail=f"{complaint}. Whether the dump is good is not known.",
        hint="Set DBKIT_RUN_DIR to a folder on a disk with room for the whole database, and run it again.",
    )


def contents_without(contents: str, extensions: Collection[str], schemas: Mapping[str, str]) -> str:
    """A table of contents as `pg_restore --list` writes it, less what belongs to some extensions.

    Args:
        schemas: schema -> the extension that brought it; its rows and grants are left out too.
    """
    theirs = [re.escape(schema) for schema, extension in schemas.items() if extension in extensions]
    names = [re.escape(name) for name in extensions]
    entry = r"^\d+; \d+ \d+ "
    patterns = [rf"{entry}EXTENSION - ({'|'.join(names)}) ", rf"{entry}(COMMENT|ACL) - EXTENSION ({'|'.join(names)}) "]
    if theirs:
        patterns += [rf"{entry}[A-Z ]+ ({'|'.join(theirs)}) ", rf"{entry}[A-Z ]+ - SCHEMA ({'|'.join(theirs)}) "]
    dropped = re.compile("|".join(patterns))
    return "".join(line for line in contents.splitlines(keepends=True) if not dropped.match(line))


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


def why_not_record(conninfo: str, manifest: Manifest | None) -> str | None:
    """Why a database keeps no record of a verification; None where it does. Asked before anything is restored.

    Raises:
        DbkitError: no connection, or the login may not write it.
    """
    import psycopg

    try:
        with psycopg.connect(conninfo, application_name="dbkit", connect_timeout=10) as connection:
            row = connection.execute(_CAN_RECORD).fetchone()
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None
    assert row is not None
    name, exists, may, login = row
    if not exists:
        return f"{name} has no core.log_restore_verification"
    if not may:
        raise DbkitError(
            "the outcome cannot be recorded",
            detail=f"{login} may not call core.log_restore_verification in {name}.",
            hint="Connect as dbkit_backup or dbkit_migrator, or leave --database out.",
        )
    if manifest is not None and manifest.database != name:
        return f"the dump is of {manifest.database}, and the database named is {name}"
    return None


def record(conninfo: str, backup_id: int | None, result: Verification) -> str | None:
    """Write the outcome to core.restore_verifications; why that failed, None where it is written."""
    import psycopg

    rows = result.restored.rows if result.restored else {}
    values = [backup_id, result.ok, json.dumps(rows), json.dumps(result.mismatches)]
    try:
        with psycopg.connect(conninfo, application_name="dbkit", connect_timeout=10) as connection:
            connection.execute(_RECORD, values)
    except psycopg.Error as error:
        return " ".join(str(error).split())
    return None


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


@contextlib.contextmanager
def _contents(
    program: Path, dump: Path, environment: Mapping[str, str], schemas: Mapping[str, str], without: Collection[str]
) -> Iterator[list[str]]:
    """The option that makes pg_restore leave some extensions out; none where there are none to leave out."""
    if not without:
        yield []
        return
    listed = run([program, "--list", dump], environment)
    with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8") as file:
        # a dump that cannot be listed cannot be restored either, which says why
        file.write(contents_without(listed.stdout, without, schemas))
        file.flush()
        yield [f"--use-list={file.name}"] if listed.returncode == 0 else []


def _left_out(name: str) -> Finding:
    return Finding(
        "extension_left_out", f"extension {name} was left out, as asked", severity=Severity.NOTE, object=name
    )


def _extension(name: str) -> Finding:
    return Finding(
        "extension_missing",
        f"extension {name} cannot be had on the disposable server, so nothing was restored",
        object=name,
        hint="Install it for that server, or name one that has it under [postgres]; a real restore needs it too. "
        f"Or leave it out: --without-extension {name}",
    )


@contextlib.contextmanager
def _roles(server: Server, names: list[str]) -> Iterator[None]:
    """The roles that a dump refers to and does not hold, as mere names; those we made are gone at the end."""
    import psycopg
    from psycopg import sql

    made: list[sql.Composable] = []
    present = {row[0] for row in server.admin("select rolname from pg_roles")}
    try:
        for name in sorted(set(names) - present):
            server.admin(sql.SQL("create role {} nologin").format(sql.Identifier(name)).as_string())
            made.append(sql.Identifier(name))
        yield
    finally:
        with contextlib.suppress(psycopg.OperationalError):  # a server that broke down has nothing to tidy
            server.drop_released()  # a role that owns something cannot be dropped
            for role in made:
                server.admin(sql.SQL("drop role {}").format(role).as_string())


def _picture(conninfo: str) -> Picture:
    import psycopg

    with psycopg.connect(conninfo, application_name="dbkit", connect_timeout=10) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return take(connection)

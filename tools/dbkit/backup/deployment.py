"""`dbkit deploy-check`: what has to be so before a deployment, and what it changed that it should not have.

Before: migrations and files agree, nothing is invalid, the database says it is healthy and was backed up; the row
counts are saved. Afterwards, and again during the next day: the counts are compared, and the errors since then with
those of a period as long before.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.backup.picture import Picture, take
from dbkit.config import Config
from dbkit.conninfo import cannot_connect
from dbkit.errors import DbkitError
from dbkit.ops.health import ask_next
from dbkit.report import Finding, Report, Severity

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Before", "check_deployment", "load", "save"]

_BACKUP_AGE = timedelta(hours=26)  # a daily backup, and two hours for it to take
_FORMAT = 1
# Errors within a period as long before the deployment. Twice as many, and this many at least, are worth a look.
_WORTH_A_LOOK = 10

_EXISTS = "select to_regprocedure(%s) is not null or to_regclass(%s) is not null"
_LAST_BACKUP = "select max(b.finished_at), clock_timestamp() from core.backup_runs as b where b.ok"
_HEALTH = "select core.health_check()"
_ERRORS = """
select count(*) filter (where e.created_at >= %(since)s),
       count(*) filter (where e.created_at < %(since)s)
  from core.error_events as e
 where e.created_at >= %(since)s - (clock_timestamp() - %(since)s)
"""


@dataclass(frozen=True)
class Before:
    """A database before a deployment.

    Attributes:
        taken_at: by the server's clock.
        picture: what it held.
    """

    taken_at: datetime
    picture: Picture


def check_deployment(
    config: Config, conninfo: str, *, before: Before | None = None, tables: Collection[str] = (), is_first: bool = False
) -> tuple[Report, Before]:
    """Look at a database, and compare it with what it was where that is given.

    Args:
        before: saved by an earlier check; its tables are the ones that are counted.
        tables: the key tables, as `schema.table`; empty for all.
        is_first: whether no migration has run here, and that is as it should be.

    Returns:
        The report, and the picture to save.

    Raises:
        DbkitError: no connection, a login that does not see every row, an unknown table, or migration files that
            cannot be read.
    """
    import psycopg

    report = Report("deploy-check")
    try:
        connection = psycopg.connect(conninfo, application_name="dbkit", connect_timeout=10)
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None
    with contextlib.closing(connection):  # it only reads: there is nothing to commit, nor on one that is lost
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        report.server = connection.info.parameter_status("server_version")
        counted = _still_there(connection, before.picture) if before else tables
        picture = take(connection, counted)
        moment = connection.execute("select clock_timestamp()").fetchone()
        assert moment is not None
        now = Before(moment[0], picture)
        report.findings += _migrations(config, conninfo, report, is_first=is_first)
        report.findings += _validity(picture)
        report.findings += _health(connection)
        if before is None:
            report.findings += _backup(connection)
        else:
            report.findings += _changes(before.picture, picture)
            report.findings += _errors(connection, before.taken_at, report)
    report.summary |= {"tables": len(picture.rows), "rows": sum(picture.rows.values())}
    return report, now


def save(before: Before, path: Path) -> None:
    """Write a picture for `load`. Raises DbkitError where the file cannot be written."""
    document = {"format": _FORMAT, "taken_at": before.taken_at.isoformat(), "picture": before.picture.as_dict()}
    # Beside it first: a disk that is full must not take an older picture with it. A device is written to as it is.
    partial = path.with_name(f"{path.name}.partial") if path.is_file() or not path.exists() else path
    try:
        partial.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        if partial != path:
            partial.replace(path)
    except OSError as error:
        if partial != path:
            with contextlib.suppress(OSError):
                partial.unlink()
        raise DbkitError(
            f"cannot write {path}",
            detail=f"{error.strerror}.",
            hint="Free some space there, or name another file with --save.",
        ) from None


def load(path: Path) -> Before:
    """What `save` wrote. Raises DbkitError where the file is something else or is not there."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Before(datetime.fromisoformat(document["taken_at"]), Picture(**document["picture"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DbkitError(
            f"cannot read {path}",
            detail=f"{error.strerror or error}." if isinstance(error, OSError) else "It is not what --save writes.",
            hint=f"Save one before the deployment: dbkit deploy-check --save {path}",
        ) from None


def _still_there(connection: Connection[Any], picture: Picture) -> list[str]:
    """The saved tables that exist: counting one that is gone would be an error, and is a finding instead."""
    rows = connection.execute(
        "select name from unnest(%s::text[]) as name where to_regclass(name) is not null", [list(picture.rows)]
    )
    return [row[0] for row in rows]


def _migrations(config: Config, conninfo: str, report: Report, *, is_first: bool) -> Iterator[Finding]:
    from dbkit.migrate.layouts import discover
    from dbkit.migrate.session import Session
    from dbkit.migrate.verify import check

    with Session.connect(conninfo) as session:
        verified = check(session, discover(config))
        has_ledger = session.value("select to_regclass('dbkit.migrations')") is not None
        name = session.value("select current_database()")
    report.summary |= {"applied": verified.summary["applied"], "pending": verified.summary["pending"]}
    yield from verified.findings
    if verified.summary["pending"] and not has_ledger and not is_first:
        yield Finding(
            "never_deployed",
            "no migration was ever applied to this database: it is another one, or this is its first deployment",
            object=name,
            hint="Correct --database (or DATABASE_URL); before a first deployment: dbkit deploy-check --first",
        )


def _validity(picture: Picture) -> Iterator[Finding]:
    for name, definition in sorted(picture.constraints.items()):
        if definition.endswith(" NOT VALID"):
            table, _, constraint = name.partition(" ")
            yield Finding(
                "constraint_not_valid",
                "the constraint was never validated: older rows may break it",
                severity=Severity.NOTE,
                object=name,
                hint=f"Run: alter table {table} validate constraint {constraint};",
            )


def _health(connection: Connection[Any]) -> Iterator[Finding]:
    if not _has(connection, "core.health_check()"):
        return
    # Counting switched it off, and the functions of the database rely on it.
    connection.execute("set local row_security = on")
    row = connection.execute(_HEALTH).fetchone()
    health = row[0] if row else {}
    if health.get("status") != "healthy":
        services = dict(sorted(health.get("services", {}).items()))
        commands = ask_next(services)
        yield Finding(
            "unhealthy",
            f"the database says it is {health.get('status')}",
            detail=", ".join(f"{name}: {state}" for name, state in services.items()) or None,
            hint=f"See why: {', '.join(commands)}" if commands else None,
        )


def _backup(connection: Connection[Any]) -> Iterator[Finding]:
    if not _has(connection, "core.backup_runs"):
        return
    row = connection.execute(_LAST_BACKUP).fetchone()
    assert row is not None
    last, now = row
    if last is None or now - last > _BACKUP_AGE:
        yield Finding(
            "backup_missing",
            "no backup succeeded in the last 26 hours"
            + (f"; the last one ended {last:%Y-%m-%d %H:%M} UTC" if last else ""),
            severity=Severity.WARNING,
            hint="Take one before you deploy: dbkit backup --directory DIR",
        )


def _changes(before: Picture, after: Picture) -> Iterator[Finding]:
    """What a deployment rarely means to do: rows or tables lost, a constraint or an extension gone."""
    for table, rows in sorted(before.rows.items()):
        now = after.rows.get(table)
        if now is None:
            yield Finding("table_missing", f"the table is gone; it had {rows} rows", object=table)
        elif now < rows:
            yield Finding(
                "rows_lost",
                f"{now} rows, {rows} before the deployment",
                severity=Severity.WARNING,
                object=table,
                hint="Compare with what was deployed; what people deleted meanwhile counts too.",
            )
    for name, definition in sorted(before.constraints.items()):
        if after.constraints.get(name) == f"{definition} NOT VALID":
            yield Finding("constraint_not_valid", "the constraint is not validated any more", object=name)
        elif name not in after.constraints and name.partition(" ")[0] in after.rows:
            yield Finding("constraint_missing", f"the constraint is gone: {definition}", Severity.WARNING, object=name)
    for name in sorted(before.extensions.keys() - after.extensions.keys()):
        yield Finding("extension_missing", f"extension {name} is gone", object=name)


def _errors(connection: Connection[Any], since: datetime, report: Report) -> Iterator[Finding]:
    if not _has(connection, "core.error_events"):
        return
    row = connection.execute(_ERRORS, {"since": since}).fetchone()
    assert row is not None
    after, before = row
    report.summary |= {"errors": after, "errors_before": before}
    if after >= _WORTH_A_LOOK and after > 2 * before:
        yield Finding(
            "more_errors",
            f"{after} errors since {since:%Y-%m-%d %H:%M} UTC, {before} in a period as long before",
            severity=Severity.WARNING,
            hint="Look at core.error_events, and at going back: dbkit migrate revert",
        )


def _has(connection: Connection[Any], name: str) -> bool:
    return connection.execute(_EXISTS, [name if "(" in name else None, None if "(" in name else name]).fetchone() == (
        True,
    )

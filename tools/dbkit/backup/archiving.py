"""What point-in-time recovery needs of a server: settings that let it archive, and an archive that follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from psycopg import Connection

    from dbkit.doctor import Check

__all__ = ["Archiving", "examine", "judge"]

_READ = """
select current_setting('wal_level'),
       current_setting('archive_mode'),
       current_setting('archive_command'),
       coalesce(current_setting('archive_library', true), ''),
       a.last_archived_time,
       a.last_failed_time,
       a.last_failed_wal,
       clock_timestamp()
  from pg_catalog.pg_stat_archiver as a
"""
_LATE = timedelta(hours=1)
# Commands that say that all is well and have copied nothing.
_TALK = re.compile(r"\s*(/usr)?(/bin/)?(true|:|echo|logger)\b[^;&|]*", re.IGNORECASE)
# What writes a file, over what is there.
_COPY = re.compile(
    r"(^|[\s;&|(/])(cp|mv|rsync|scp|install|dd|cat|x?copy|gzip|pigz|bzip2|xz|zstd|lz4|openssl)\s|>\s*\S*%f",
    re.IGNORECASE,
)
# What looks first: a test whose failure ends the command, or an option of the program that copies.
_CAREFUL = re.compile(
    r"(test\s+!\s+-[fe]\s+\S+|\[\s+!\s+-[fe]\s+\S+\s+\])\s*&&|if\s+not\s+exist\s"
    r"|(cp|mv)\s+(-\S+\s+)*(-[a-zA-Z]*n|--no-clobber)|--ignore-existing|noclobber|conv=excl",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Archiving:
    """Settings and state of one server's archiver; the times are the server's."""

    wal_level: str
    mode: str
    command: str
    library: str
    last_archived: datetime | None
    last_failed: datetime | None
    failed_file: str | None
    now: datetime


def examine(connection: Connection[Any]) -> Iterator[Check]:
    """The checks of `dbkit doctor` for one server; what is wrong is a note, for not every database is production."""
    row = connection.execute(_READ).fetchone()
    assert row is not None
    return judge(Archiving(*row))


def judge(found: Archiving) -> Iterator[Check]:
    """One check a setting, and one for the archive itself."""
    from dbkit.doctor import Check

    if found.wal_level in ("replica", "logical"):
        yield Check("PITR: wal_level", "ok", found.wal_level)
    else:
        yield Check("PITR: wal_level", "note", f"{found.wal_level}: nothing to recover from", "wal_level = replica")
    if found.mode not in ("on", "always"):
        yield Check(
            "PITR: archive_mode", "note", f"{found.mode}: only whole backups can be restored", "archive_mode = on"
        )
        return
    yield Check("PITR: archive_mode", "ok", found.mode)
    problem = None if found.library else _command_problem(found.command)
    if problem:
        command = "archive_command = 'test ! -f /archive/%f && cp %p /archive/%f'"
        yield Check("PITR: archive_command", "note", problem, command)
    else:
        yield Check(
            "PITR: archive_command", "ok", f"library {found.library}" if found.library else "does not overwrite"
        )
    yield _state(found)


def _command_problem(command: str) -> str | None:
    if not command.strip():
        return "empty: WAL piles up until the disk is full"
    if "%p" not in command or _TALK.fullmatch(command):
        return "throws WAL away and reports success"
    if _COPY.search(command) and not _CAREFUL.search(command):
        return "may overwrite a file that is archived already"
    return None


def _state(found: Archiving) -> Check:
    from dbkit.doctor import Check

    if found.last_failed and (found.last_archived is None or found.last_failed > found.last_archived):
        since = (
            f"last success {_age(found.now - found.last_archived)} ago" if found.last_archived else "never a success"
        )
        return Check(
            "PITR: archive", "note", f"{found.failed_file} cannot be archived; {since}", "see the server's log"
        )
    if found.last_archived is None:
        return Check("PITR: archive", "note", "nothing was archived yet", "select pg_switch_wal();")
    age = found.now - found.last_archived
    if age > _LATE:
        detail = f"the newest file is {_age(age)} old: that much would be lost"
        return Check("PITR: archive", "note", detail, "archive_timeout = 300")
    return Check("PITR: archive", "ok", f"the newest file is {_age(age)} old")


def _age(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"

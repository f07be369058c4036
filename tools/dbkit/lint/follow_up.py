"""The second file of a repair: named, numbered and headed as the folder's layout does it."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dbkit.lint.files import LintFile
from dbkit.lint.fix import FollowUp

__all__ = ["follow_up_file"]

_STAMP = "%Y%m%d%H%M%S"
_NUMBERED = re.compile(r"(?P<letter>[Vv]?)(?P<number>\d+)(?P<gap>_+)(?P<name>.*?)(?P<ending>(?:\.up)?\.sql)")
_MARKS = {"-- migrate:up": ("-- migrate:up", "-- migrate:down"), "-- +goose": ("-- +goose Up", "-- +goose Down")}


def follow_up_file(file: LintFile, wanted: FollowUp, taken: Collection[Path]) -> tuple[Path, str] | None:
    """Path and text of the migration that follows a repaired one; None for a layout that has no such numbers.

    Args:
        taken: paths that are about to be written; those that exist count anyway.
    """
    name = _NUMBERED.fullmatch(file.path.name)
    marks = next((pair for mark, pair in _MARKS.items() if mark.lower() in file.text.lower()), None)
    if name is None or (marks is None and not wanted.transaction):
        return None
    beside = [*file.path.parent.glob("*.sql"), *(path for path in taken if path.parent == file.path.parent)]
    number = _next(name["number"], [match["number"] for path in beside if (match := _NUMBERED.fullmatch(path.name))])
    if number is None:
        return None
    stem = wanted.name[:60].rstrip("_")
    path = file.path.with_name(f"{name['letter']}{number}{name['gap']}{stem}{name['ending']}")
    return path, _text(file, wanted, marks, path.name.removesuffix(".sql"))


def _next(own: str, numbers: list[str]) -> str | None:
    """The number behind all others, in as many digits: a time where the own one is a time."""
    latest = max(numbers, key=int)
    try:
        datetime.strptime(own, _STAMP).replace(tzinfo=UTC)
        behind = datetime.strptime(latest, _STAMP).replace(tzinfo=UTC) + timedelta(seconds=1)
    except ValueError:
        return f"{int(latest) + 1:0{len(own)}d}" if len(own) < len(_STAMP_DIGITS) else None
    return max(behind, datetime.now(UTC)).strftime(_STAMP)


_STAMP_DIGITS = "YYYYMMDDHHMMSS"


def _text(file: LintFile, wanted: FollowUp, marks: tuple[str, str] | None, stem: str) -> str:
    header = _header(file, wanted, stem) if file.own_line else ""
    if marks is None:
        return f"{header}{wanted.sql}\n"
    up, down = marks
    if not wanted.transaction:
        if "goose" in up:
            header += "-- +goose NO TRANSACTION\n"
        else:
            up, down = f"{up} transaction:false", f"{down} transaction:false"
    back = "" if file.own_line and not wanted.down else f"\n{down}\n" + (f"\n{wanted.down}\n" if wanted.down else "")
    return f"{header}{up}\n\n{wanted.sql}\n{back}"


def _header(file: LintFile, wanted: FollowUp, stem: str) -> str:
    from dbkit.migrate.files import read_header

    written, _ = read_header(file.text)
    version = file.path.name.partition("_")[0]
    rollback = "down section" if wanted.down else "irreversible: it changes no data and no definition"
    lines = {
        "Migration": stem,
        "Description": wanted.title,
        "Author": written.get("Author", "dbkit"),
        "Date": datetime.strptime(stem[:14], _STAMP).replace(tzinfo=UTC).date().isoformat(),
        "Dependencies": f"{file.module}/{version}",
        "Rollback": rollback,
    }
    return "".join(f"-- {key}: {value}\n" for key, value in lines.items()) + "\n"

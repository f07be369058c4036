"""The second opinion on a snapshot: two databases compared by what pg_dump says of them.

A snapshot knows only the kinds of objects it was taught. pg_dump knows all of them, so a kind we forgot shows up here.
Its text is parsed into statements and sorted, columns within a table too, because order is not schema.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from dbkit.catalog import TOOL_SCHEMAS
from dbkit.conninfo import for_program
from dbkit.drift import line_diff
from dbkit.errors import DbkitError
from dbkit.report import Finding
from dbkit.sqltext import split

__all__ = ["compare_dumps", "dump", "statements"]

# pg_dump wraps its output in \restrict KEY … \unrestrict KEY with a random key unless it is given one.
_RESTRICT_KEY = "dbkit"
_TABLE = re.compile(r"CREATE (UNLOGGED |FOREIGN )?TABLE ")
_STATISTICS = re.compile(r"(?P<head>CREATE STATISTICS .*? ON )(?P<list>.*)(?P<tail> FROM .*)", re.DOTALL)
_PUBLISHED = re.compile(
    r"(?P<head>ALTER PUBLICATION \S+ ADD TABLE ONLY \S+ \()(?P<list>[^()]*)(?P<tail>\).*)", re.DOTALL
)


def compare_dumps(
    a: str, b: str, pg_dump: Path, *, left: str = "left", right: str = "right", exclude: Iterable[str] = TOOL_SCHEMAS
) -> list[Finding]:
    """Every statement that pg_dump writes for one database and not for the other.

    Args:
        a, b: libpq connection strings.
        pg_dump: the program; as new as the server or newer.
        left, right: what the two are called in messages.
        exclude: schemas to leave out.

    Returns:
        Findings with rule `dump_differs`, a statement that changed with both texts.

    Raises:
        DbkitError: pg_dump cannot be run or fails.
    """
    exclude = tuple(exclude)
    ours, theirs = (Counter(statements(dump(conninfo, pg_dump, exclude))) for conninfo in (a, b))
    only_left, only_right = list((ours - theirs).elements()), list((theirs - ours).elements())
    changed = {_subject(text) for text in only_left} & {_subject(text) for text in only_right}
    findings = []
    for subject in sorted({_subject(text) for text in (*only_left, *only_right)}):
        mine = [text for text in only_left if _subject(text) == subject]
        other = [text for text in only_right if _subject(text) == subject]
        message = (
            f"pg_dump writes it differently for {left} and {right}"
            if subject in changed
            else f"pg_dump writes it for {left if mine else right} but not for {right if mine else left}"
        )
        findings.append(
            Finding(
                rule="dump_differs",
                message=message,
                category="oracle",
                object=subject,
                detail=_diff(mine, other, left, right),
                hint="If no other finding names this object, snapshots do not know its kind: report it.",
            )
        )
    return findings


def dump(conninfo: str, pg_dump: Path, exclude: Iterable[str] = TOOL_SCHEMAS) -> str:
    """The schema of a database as pg_dump writes it.

    Raises:
        DbkitError: pg_dump is missing, older than the server, or may not read something.
    """
    target, environment = for_program(conninfo)
    command = [str(pg_dump), "--schema-only", "--no-password", f"--dbname={target}"]
    command += [f"--exclude-schema={schema}" for schema in exclude]
    if _knows_restrict_key(str(pg_dump)):
        command.append(f"--restrict-key={_RESTRICT_KEY}")
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, env=environment)
    except OSError as error:
        raise DbkitError("cannot run pg_dump", detail=f"{error}.", hint="Run: dbkit doctor") from None
    if done.returncode != 0:
        raise DbkitError(
            "pg_dump failed",
            detail=done.stderr.strip() or f"Exit code {done.returncode}.",
            hint="Use a pg_dump at least as new as the server, and a role that may lock every table.",
        )
    return done.stdout


def statements(text: str) -> list[str]:
    """The statements of a dump, each in a form that does not depend on the order of columns."""
    return [_normalized(statement.text) for statement in split(text, psql=True) if statement.kind == "sql"]


@lru_cache
def _knows_restrict_key(pg_dump: str) -> bool:
    try:
        done = subprocess.run([pg_dump, "--help"], capture_output=True, text=True, check=False)
    except OSError:
        return False  # the run that follows says what is wrong
    return "--restrict-key" in done.stdout


def _normalized(statement: str) -> str:
    if _TABLE.match(statement):
        return _sort_table(statement)
    for pattern in (_STATISTICS, _PUBLISHED):
        match = pattern.fullmatch(statement)
        if match:
            return match["head"] + ", ".join(sorted(_split_list(match["list"]))) + match["tail"]
    return statement


def _sort_table(statement: str) -> str:
    """pg_dump writes one column or constraint a line between `(` and `)`, each at a line's end and start."""
    lines = statement.split("\n")
    closing = next((number for number, line in enumerate(lines) if line.startswith(")")), None)
    if closing is None:
        return statement
    body = sorted(line.rstrip(",") for line in lines[1:closing])
    return "\n".join([lines[0], *body, *lines[closing:]])


def _split_list(text: str) -> list[str]:
    """Split at the commas that no parenthesis and no quote encloses."""
    items, depth, quote, start = [], 0, "", 0
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "," and depth == 0:
            items.append(text[start:place].strip())
            start = place + 1
    return [*items, text[start:].strip()]


def _subject(statement: str) -> str:
    """The first line up to where its definition begins: what two versions of a statement have in common."""
    first = statement.split("\n", 1)[0]
    if first.startswith(("GRANT ", "REVOKE ")):
        return first
    return re.split(r" AS | USING |\(| ADD CONSTRAINT (?=\S+ )| IS ", first, maxsplit=1)[0].strip()


def _diff(mine: Sequence[str], other: Sequence[str], left: str, right: str) -> str:
    before = [line for text in mine for line in text.split("\n")]
    after = [line for text in other for line in text.split("\n")]
    if not before or not after:
        return "\n".join(before or after)
    return "\n".join(line_diff(before, after, left, right))

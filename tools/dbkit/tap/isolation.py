"""Decide from a file's content what it may share, and check afterwards that it kept to that.

A file that opens a transaction and rolls it back leaves its database as it found it, so it shares its worker's clone.
A file that commits gets a clone of its own. One that changes roles, databases or server settings outside a transaction
gets a server of its own. `-- dbkit: isolation=transaction|database|server` overrides the reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.errors import DbkitError
from dbkit.sqltext import Statement
from dbkit.tap.psql_script import command_name, read_sql, statements_of

if TYPE_CHECKING:
    import psycopg

__all__ = ["LIVE_ROWS", "Isolation", "Reading", "annotation", "leftovers", "read_isolation"]


class Isolation(Enum):
    """What a file gets for itself."""

    TRANSACTION = "transaction"
    DATABASE = "database"
    SERVER = "server"


@dataclass(frozen=True)
class Reading:
    r"""How a file was read.

    Attributes:
        isolation: what it gets.
        reason: one clause, for `-v` and for messages.
        controls_transactions: it has BEGIN, COMMIT or ROLLBACK of its own.
        commits: it has a statement that ends a transaction by keeping it.
        settings: names of custom settings it sets or reads, lower case.
        brings_pgtap: it loads pgTAP's functions itself (`\i pgtap.sql`).
    """

    isolation: Isolation
    reason: str
    controls_transactions: bool = False
    commits: bool = False
    settings: frozenset[str] = frozenset()
    brings_pgtap: bool = False


_ANNOTATION = re.compile(r"^\s*--\s*dbkit:\s*isolation\s*=\s*(\S+)", re.MULTILINE)
_BEGIN = re.compile(r"(begin|start\s+transaction)\b", re.IGNORECASE)
_ROLLBACK = re.compile(r"(rollback|abort)\b(?!.*\bto\b)(?!.*\bprepared\b)", re.IGNORECASE | re.DOTALL)
_CHAIN = re.compile(r"\band\s+chain\s*$", re.IGNORECASE)
_COMMIT = re.compile(r"(commit|end|prepare\s+transaction|rollback\s+prepared)\b", re.IGNORECASE)
# Statements that change the session only; resetting the session undoes them.
_SESSION = re.compile(r"(set|reset|show|discard|deallocate|unlisten|listen)\b", re.IGNORECASE)
_CLUSTER_WIDE = re.compile(
    r"(?:(?:create|alter|drop)\s+(?:role|user(?!\s+mapping)|group|database|tablespace)|alter\s+system)\b", re.IGNORECASE
)
_SETTING = re.compile(
    r"""(?:current_setting|set_config)\s*\(\s*'([a-z_]\w*\.[\w.]+)'
      | \bset\s+(?:session\s+|local\s+)?"?([a-z_]\w*\.[\w.]+)"?\s*(?:=|to\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_PGTAP_FUNCTION = re.compile(r"create\s+(?:or\s+replace\s+)?function\s+(?:\w+\.)?pgtap_version\s*\(", re.IGNORECASE)
_INCLUDE = {"i": False, "include": False, "ir": True, "include_relative": True}
_MAX_DEPTH = 8

# Rows that committed transactions left behind, system catalogs included; one that rolled back leaves the sum as it was.
# A session's own counters reach it when the session goes idle after `pg_stat_force_next_flush()`.
LIVE_ROWS = """
select coalesce(sum(pg_catalog.pg_stat_get_live_tuples(c.oid)), 0)
  from pg_catalog.pg_class c
 where c.relkind in ('r', 'm') and c.relpersistence <> 't'
"""
_TABLES = """
select c.oid::pg_catalog.regclass::text
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname not like 'pg\\_toast%'
   and n.nspname <> 'information_schema'
   and (n.nspname <> 'pg_catalog' or c.relname in ('pg_class', 'pg_proc', 'pg_type', 'pg_namespace', 'pg_policy',
        'pg_trigger', 'pg_constraint', 'pg_extension', 'pg_attrdef', 'pg_index', 'pg_largeobject_metadata'))
"""


def read_isolation(path: Path, text: str | None = None) -> Reading:
    """What a file may share, read from its statements and those of the files it includes.

    Raises:
        DbkitError: an annotation names an isolation that does not exist.
    """
    text = read_sql(path) if text is None else text
    statements = _with_includes(path, text)
    annotated = annotation(path, text)
    if annotated is not None:
        controls, commits = _control(statements or [])
        return Reading(annotated, "as annotated", controls, commits, _settings(statements or []))
    if statements is None:
        return Reading(Isolation.DATABASE, "it includes a file that is only known when it runs", True, True)
    reading = replace(_read(statements), settings=_settings(statements))
    if any(_PGTAP_FUNCTION.match(statement.text) for statement in statements):
        isolation = Isolation.DATABASE if reading.isolation is Isolation.TRANSACTION else reading.isolation
        reading = replace(reading, isolation=isolation, reason="it loads pgTAP itself", brings_pgtap=True)
    return reading


def annotation(path: Path, text: str) -> Isolation | None:
    """The isolation a file asks for in a comment.

    Raises:
        DbkitError: there is no such isolation.
    """
    found = _ANNOTATION.search(text)
    if found is None:
        return None
    try:
        return Isolation(found[1])
    except ValueError:
        line = text.count("\n", 0, found.start(1)) + 1
        raise DbkitError(
            f"unknown isolation: {found[1]}",
            detail=f"{path}:{line}: the isolations are {', '.join(value.value for value in Isolation)}.",
            hint="Correct the annotation, or remove it to have the file read.",
        ) from None


def leftovers(connection: psycopg.Connection[Any], fresh: psycopg.Connection[Any]) -> list[str]:
    """What a used database holds that a fresh clone does not, one clause a table. Reads every row of both."""
    used, clean = _contents(connection), _contents(fresh)
    found = []
    # The user's own tables say more than the catalog's.
    for table in sorted(used.keys() | clean.keys(), key=lambda name: (name.startswith("pg_"), name)):
        before, after = clean.get(table), used.get(table)
        if before == after:
            continue
        if before is None:
            found.append(f"new table {table}")
        elif after is None:
            found.append(f"no table {table}")
        else:
            difference = after[0] - before[0]
            found.append(f"{difference:+d} rows in {table}" if difference else f"changed rows in {table}")
    return found


def _read(statements: list[Statement]) -> Reading:
    controls, commits = _control(statements)
    inside, opened = False, False
    for statement in statements:
        if statement.kind == "meta":
            continue
        text = statement.text
        if _BEGIN.match(text):
            inside, opened = True, True
        elif _ROLLBACK.match(text):
            inside = inside and bool(_CHAIN.search(text))
        elif not inside and not _SESSION.match(text):
            if any(_CLUSTER_WIDE.match(other.text) for other in statements if other.kind == "sql"):
                return Reading(Isolation.SERVER, "it changes roles, databases or server settings", controls, commits)
            reason = f"line {statement.line} runs outside a transaction"
            return Reading(Isolation.DATABASE, reason, controls, commits)
    if commits:
        if any(_CLUSTER_WIDE.match(other.text) for other in statements if other.kind == "sql"):
            return Reading(Isolation.SERVER, "it commits changes of roles, databases or settings", controls, commits)
        return Reading(Isolation.DATABASE, "it commits", controls, commits)
    if not opened:
        return Reading(Isolation.DATABASE, "it has no transaction", controls, commits)
    return Reading(Isolation.TRANSACTION, "it rolls back", controls, commits)


def _control(statements: list[Statement]) -> tuple[bool, bool]:
    """Has the file transaction control of its own; does it commit?"""
    sql = [statement.text for statement in statements if statement.kind == "sql"]
    commits = any(_COMMIT.match(text) for text in sql)
    return commits or any(_BEGIN.match(text) or _ROLLBACK.match(text) for text in sql), commits


def _settings(statements: list[Statement]) -> frozenset[str]:
    found = (match for statement in statements for match in _SETTING.finditer(statement.text))
    return frozenset((match[1] or match[2]).lower() for match in found)


def _with_includes(path: Path, text: str, depth: int = 0) -> list[Statement] | None:
    """Statements with included files in place; None when an include cannot be followed."""
    statements: list[Statement] = []
    for statement in statements_of(text):
        name = command_name(statement.text) if statement.kind == "meta" else ""
        if name not in _INCLUDE:
            statements.append(statement)
            continue
        target = statement.text.split(maxsplit=1)[1].strip().strip("'") if " " in statement.text else ""
        if not target or ":" in target or depth >= _MAX_DEPTH:
            return None
        file = Path(target).expanduser()
        if _INCLUDE[name] and not file.is_absolute():
            file = path.parent / file
        if not file.is_file():
            continue  # the run reports it
        included = _with_includes(file, read_sql(file), depth + 1)
        if included is None:
            return None
        statements += included
    return statements


def _contents(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
    """Table -> (rows, sum of row hashes)."""
    connection.execute("set search_path = pg_catalog")
    tables = [str(row[0]) for row in connection.execute(_TABLES)]
    contents = {}
    for table in tables:
        # `analyze` changes pg_class in place, whatever becomes of its transaction.
        content = "0" if table == "pg_class" else "coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)"
        # The schema of a session's temporary tables stays when the session is gone.
        kept = "where nspname !~ '^pg_(toast_)?temp_'" if table == "pg_namespace" else ""
        row = connection.execute(f"select count(*), {content} from {table} t {kept}".encode()).fetchone()
        assert row is not None
        contents[table] = (int(row[0]), int(row[1]))
    return contents

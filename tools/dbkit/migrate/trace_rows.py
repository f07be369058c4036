"""Rows for a trace: as many as production has, or in proportion, made by one INSERT a table.

Row n of a table has values that follow from n. A foreign key's columns have the values of the row it points at, worked
out the same way, so that references hold without a look-up. What a CHECK wants is sought among the values its
expression suggests. A table whose rows cannot be made stays as it is and says why: nothing is then claimed about them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbkit.leak.values import check_candidates, first_value
from dbkit.lint.sizes import Sizes
from dbkit.migrate.session import ServerError, Session
from dbkit.tenancy.relations import Check, Column, Relations, Table, literal

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["DEFAULT_ROWS", "MOST_ROWS", "Filled", "fill"]

DEFAULT_ROWS = 1_000
MOST_ROWS = 50_000
# Combinations of values tried for one CHECK, and CHECKs of one table that are satisfied one after the other.
_ATTEMPTS = 300
_CONSTRAINTS = 20

_NUMBERS = ("int4", "int8", "float4", "float8", "oid")
_TEXTS = ("text", "varchar", "bpchar", "name", "citext")
_CHECK_VIOLATION = "23514"


@dataclass
class Filled:
    """What tables hold.

    Attributes:
        rows: table -> rows.
        refused: table -> why no rows could be made for it.
    """

    rows: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def fill(connection: Connection[Any], wanted: Sizes, filled: Filled) -> None:
    """Make rows for every table that this has not been tried with.

    Args:
        connection: a superuser's, in autocommit mode; triggers and foreign keys do not fire for what is made here.
        wanted: rows of each table; DEFAULT_ROWS for one nothing is known of, MOST_ROWS at most.
        filled: what earlier calls did; this one's is added.
    """
    from dbkit.tenancy.reading import read_relations

    relations = read_relations(connection)
    session = Session.of(connection)
    maker = _Maker(session, relations, wanted)
    session.run("set session_replication_role = replica; set search_path = pg_catalog")
    new = False
    for name, table in relations.tables.items():
        if name in filled.rows or table.kind not in ("r", "p") or table.parents or table.schema == "dbkit":
            continue
        new = True
        there = int(session.value(f"select count(*) from (select from {table.sql} limit {MOST_ROWS}) counted") or 0)
        missing = maker.rows_of(table) - there
        reason = maker.make(table, there, missing) if missing > 0 else None
        if reason is not None:
            filled.refused[name] = reason
        filled.rows[name] = int(session.value(f"select count(*) from {table.sql}") or 0)
    session.run("reset session_replication_role; reset search_path")
    if new:
        session.run("analyze")


class _Maker:
    """Writes the INSERTs of one database."""

    def __init__(self, session: Session, relations: Relations, wanted: Sizes) -> None:
        self.session = session
        self.relations = relations
        self.wanted = wanted

    def rows_of(self, table: Table) -> int:
        known = self.wanted.of(table.qualified)
        return min(DEFAULT_ROWS if known is None else known, MOST_ROWS)

    def make(self, table: Table, first: int, number: int) -> str | None:
        """Insert rows; returns why that cannot be done, or None."""
        chosen: dict[str, str] = {}
        for _ in range(_CONSTRAINTS):
            error = self._insert(table, chosen, first, 1, keep=False)
            if error is None:
                error = self._insert(table, chosen, first, number, keep=True)
            if error is None:
                return None
            check = self._broken_check(table, error)
            if check is None or not self._satisfy(table, check, chosen, first):
                break
        return f"{error.primary} ({error.sqlstate})" if error else "its constraints allow no made-up row"

    def _satisfy(self, table: Table, check: Check, chosen: dict[str, str], first: int) -> bool:
        """Choose values for a CHECK's columns until it lets a row pass, or another constraint refuses it."""
        columns = [column for column in self._columns(table) if column.name in check.columns]
        choices = [
            [f"{literal(value)}::{column.type}" for value in check_candidates(column, [check], "trace", first + 1)]
            for column in columns
        ]
        for values in itertools.islice(itertools.product(*choices), _ATTEMPTS):
            attempt = {**chosen, **dict(zip((column.name for column in columns), values, strict=True))}
            error = self._insert(table, attempt, first, 1, keep=False)
            broken = self._broken_check(table, error) if error else None
            if error is None or (broken is not None and broken is not check):
                chosen.update(attempt)
                return True
        return False

    def _broken_check(self, table: Table, error: ServerError) -> Check | None:
        """The CHECK a row broke, one of a domain as one of the columns that have it."""
        named = re.search(r'constraint "((?:[^"]|"")*)"', error.primary)
        if error.sqlstate != _CHECK_VIOLATION or named is None:
            return None
        for check in table.checks:
            if check.name == named.group(1):
                return check
        for domain, checks in self.relations.domain_checks.items():
            for check in checks:
                holders = tuple(column.name for column in table.columns.values() if domain in column.domains)
                if check.name == named.group(1) and holders:
                    return Check(check.name, holders, check.expression)
        return None

    def _columns(self, table: Table) -> list[Column]:
        return [column for column in table.columns.values() if not column.generated]

    def _insert(
        self, table: Table, chosen: Mapping[str, str], first: int, number: int, *, keep: bool
    ) -> ServerError | None:
        columns = self._columns(table)
        values = [chosen.get(column.name) or self._value(table, column, "n", ()) for column in columns]
        statement = f"insert into {table.sql} default values"
        if columns:
            statement = (
                f"insert into {table.sql} ({', '.join(column.sql for column in columns)}) overriding system value"
                f" select {', '.join(values)} from generate_series({first + 1}, {first + number}) as made (n)"
                " on conflict do nothing"
            )
        try:
            self.session.run(f"begin; {statement}; {'commit' if keep else 'rollback'}")
        except ServerError as error:
            self.session.rollback()
            return error
        return None

    def _value(self, table: Table, column: Column, n: str, seen: tuple[str, ...]) -> str:
        """The value of a column in row n, as SQL."""
        keys = [key for key in table.foreign_keys if column.name in key.columns and key.target not in seen]
        for key in sorted(keys, key=lambda key: -len(key.columns)):
            parent = self.relations.tables.get(key.target)
            if parent is None or parent is table or not self.rows_of(parent):
                continue
            other = parent.columns.get(key.target_columns[key.columns.index(column.name)])
            if other is not None:
                row = f"(({n} - 1) % {self.rows_of(parent)} + 1)"
                return self._value(parent, other, row, (*seen, table.qualified))
        return _of_type(table, column, n)


def _of_type(table: Table, column: Column, n: str) -> str:
    """A value that differs from row to row where the type has enough of them."""
    base = column.base
    if base in _NUMBERS or column.type == "numeric":
        return f"({n})::{base}"
    if base == "int2":
        return f"({n} % 32000)::int2"
    if base in _TEXTS:
        return f"right('row ' || {n}, {column.length})" if column.length else f"('row ' || {n})"
    if base == "uuid":
        return f"md5(({n})::text)::uuid"
    if base == "bool":
        return f"({n} % 2 = 0)"
    if base == "date":
        return f"(current_date - ({n} % 3650)::int4)"
    if base in ("timestamp", "timestamptz"):
        return f"(now() - ({n}) * interval '1 minute')"
    value = first_value(table.qualified, column, "trace", 1)
    return f"{literal(value)}::{column.type}"

"""Rows for a trace: as many as production has, or in proportion, made by one INSERT a table.

Row n of a table has values that follow from n. A foreign key's columns have the values of the row it points at, worked
out the same way, so that references hold without a look-up. Values that a CHECK wants are sought among the constants
it names. A table whose rows cannot be made stays as it is, and says why: nothing about its rows is then claimed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dbkit.catalog import Column, Constraint, Snapshot, Table
from dbkit.lint.sizes import Sizes
from dbkit.migrate.session import ServerError, Session

__all__ = ["DEFAULT_ROWS", "MOST_ROWS", "Filled", "fill"]

DEFAULT_ROWS = 1_000
MOST_ROWS = 50_000
_ATTEMPTS = 200
_CONSTRAINTS = 12

_NUMBERS = {"integer", "bigint", "numeric", "real", "double precision", "oid", "money"}
_TEXTS = {"text", "character varying", "character", "name", "citext"}
_MOMENTS = {"timestamp with time zone", "timestamp without time zone"}
_CONSTANTS = {
    "json": "'{}'", "jsonb": "'{}'", "bytea": "''", "inet": "'10.0.0.1'", "cidr": "'10.0.0.0/8'", "xml": "'<a/>'",
    "interval": "'1 hour'", "time without time zone": "'12:00'", "time with time zone": "'12:00+00'",
    "tsvector": "''", "point": "'(0,0)'", "macaddr": "'08:00:2b:01:02:03'", "bit": "B'1'", "hstore": "''",
}  # fmt: skip


@dataclass
class Filled:
    """What tables hold.

    Attributes:
        rows: table -> rows.
        refused: table -> why no rows could be made for it.
    """

    rows: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def fill(session: Session, snapshot: Snapshot, wanted: Sizes, filled: Filled) -> None:
    """Make rows for every table that has none yet.

    Args:
        session: superuser's; triggers and foreign keys do not fire for what is made here.
        wanted: rows of each table; DEFAULT_ROWS for one nothing is known of, MOST_ROWS at most.
        filled: what earlier calls did; this one's is added.
    """
    maker = _Maker(session, snapshot, wanted)
    session.run("set session_replication_role = replica")
    try:
        for key, table in snapshot.tables.items():
            if key in filled.rows or key in filled.refused or table.is_partition or table.kind == "foreign table":
                continue
            number = int(session.value(f"select count(*) from (select from {key} limit {MOST_ROWS}) counted") or 0)
            missing = maker.rows_of(table) - number
            reason = maker.make(table, number, missing) if missing > 0 else None
            if reason is not None:
                filled.refused[key] = reason
            filled.rows[key] = int(session.value(f"select count(*) from {key}") or 0)
    finally:
        session.run("reset session_replication_role")
    session.run("analyze")


class _Maker:
    """Writes the INSERTs of one database."""

    def __init__(self, session: Session, snapshot: Snapshot, wanted: Sizes) -> None:
        self.session = session
        self.snapshot = snapshot
        self.wanted = wanted

    def rows_of(self, table: Table) -> int:
        known = self.wanted.of(f"{table.schema}.{table.name}")
        return min(DEFAULT_ROWS if known is None else known, MOST_ROWS)

    def make(self, table: Table, first: int, number: int) -> str | None:
        """Insert rows; returns why that cannot be done, or None."""
        chosen: dict[str, str] = {}
        for _ in range(_CONSTRAINTS):
            error = self._try(table, chosen, first, 1, keep=False)
            if error is None:
                break
            constraint = table.constraints.get(_constraint_of(error))
            if constraint is None or not self._satisfy(table, constraint, chosen, first):
                return _reason(error)
        error = self._try(table, chosen, first, number, keep=True)
        return _reason(error) if error else None

    def _satisfy(self, table: Table, constraint: Constraint, chosen: dict[str, str], first: int) -> bool:
        """Choose values for a CHECK's columns until it lets a row pass, or another constraint refuses it."""
        columns = [table.columns[name] for name in constraint.columns if not table.columns[name].generated]
        choices = [list(_candidates(column, constraint)) for column in columns]
        for values in itertools.islice(itertools.product(*choices), _ATTEMPTS):
            attempt = {**chosen, **dict(zip((column.name for column in columns), values, strict=True))}
            error = self._try(table, attempt, first, 1, keep=False)
            if error is None or (error.sqlstate == "23514" and _constraint_of(error) != constraint.name):
                chosen.update(attempt)
                return True
        return False

    def _try(
        self, table: Table, chosen: Mapping[str, str], first: int, number: int, *, keep: bool
    ) -> ServerError | None:
        columns = [column for column in table.columns.values() if not column.generated]
        values = [chosen.get(column.name) or self.value(table, column, "n", ()) for column in columns]
        names = ", ".join(self.session.identifier(column.name) for column in columns)
        statement = (
            f"insert into {table.key} ({names}) overriding system value select {', '.join(values)}"
            f" from generate_series({first + 1}, {first + number}) as made (n) on conflict do nothing"
            if columns
            else f"insert into {table.key} default values"
        )
        try:
            self.session.run(f"begin; {statement}; {'commit' if keep else 'rollback'}")
        except ServerError as error:
            self.session.rollback()
            return error
        return None

    def value(self, table: Table, column: Column, n: str, seen: tuple[str, ...]) -> str:
        """The value of a column in row n, as SQL."""
        keys = [key for key in table.foreign_keys if column.name in key.columns and key.references not in seen]
        for key in sorted(keys, key=lambda key: -len(key.columns)):
            parent = self.snapshot.tables.get(key.references or "")
            if parent is None or parent is table or not self.rows_of(parent):
                continue
            other = parent.columns.get(key.referenced_columns[key.columns.index(column.name)])
            if other is not None:
                return self.value(parent, other, f"(({n} - 1) % {self.rows_of(parent)} + 1)", (*seen, table.key))
        return self._of_type(column, n)

    def _of_type(self, column: Column, n: str) -> str:
        kind = self._base_type(column)
        name, _, modifier = kind.partition("(")
        name = name.strip()
        if kind.endswith("]"):
            return f"'{{}}'::{column.type}"
        if name in _NUMBERS:
            return f"{n}::{kind if name != 'numeric' else 'numeric'}"
        if name == "smallint":
            return f"({n} % 32000)::smallint"
        if name.split(".")[-1] in _TEXTS:
            length = int(re.match(r"\d+", modifier).group()) if re.match(r"\d+", modifier) else 0  # type: ignore[union-attr]
            return f"right('row ' || {n}, {length})" if length else f"'row ' || {n}"
        if name == "uuid":
            return f"md5(({n})::text)::uuid"
        if name == "boolean":
            return f"({n} % 2 = 0)"
        if name == "date":
            return f"(current_date - ({n} % 3650)::integer)"
        if any(kind.startswith(moment.split(" ")[0]) for moment in _MOMENTS):
            return f"(now() - ({n}) * interval '1 minute')"
        constant = _CONSTANTS.get(name.split(".")[-1])
        if constant is not None:
            return f"{constant}::{column.type}"
        made = self.snapshot.types.get(column.type_key)
        if made is not None and made.labels:
            return f"{self.session.literal(made.labels[0])}::{column.type}"
        return "'empty'::" + column.type if name.endswith("range") else "null"

    def _base_type(self, column: Column) -> str:
        domain = self.snapshot.domains.get(column.type_key)
        return domain.base_type if domain else column.type


def _candidates(column: Column, constraint: Constraint) -> Iterator[str]:
    """Values a CHECK may want: the constants it names, and a few usual shapes."""
    text = constraint.expression or constraint.definition
    for literal in dict.fromkeys(re.findall(r"'(?:[^']|'')*'", text)):
        yield f"{literal}::{column.type}"
    if any(word in column.type for word in ("char", "text")):
        yield from ("'user' || n || '@example.com'", "'a' || n", "'AAA'", "'aa'", "upper(left(md5(n::text), 2))")
    else:
        for literal in dict.fromkeys([*re.findall(r"(?<![\w.'])\d+(?:\.\d+)?", text), "1", "0", "50"]):
            yield f"{literal}::{column.type}" if _takes_numbers(column) else "null"
        if "time" in column.type or column.type == "date":
            yield from ("now() + n * interval '1 day'", "now() - n * interval '1 day'")
    if not column.not_null:
        yield "null"


def _takes_numbers(column: Column) -> bool:
    return column.type.partition("(")[0] in {*_NUMBERS, "smallint"}


def _constraint_of(error: ServerError) -> str:
    match = re.search(r'check constraint "([^"]+)"', error.primary)
    return match.group(1) if match else ""


def _reason(error: ServerError) -> str:
    return f"{error.primary} ({error.sqlstate})"

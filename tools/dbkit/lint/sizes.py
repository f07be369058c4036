"""How many rows tables have, so that what is bad on a large table is a note on a small one.

A rule that is about work on every row (`Rule.work`: a rewrite, a scan, a build) asks for the time a lock is held. On a
table of a few thousand rows that is a moment. The counts come from a live database or from the command line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from dbkit.errors import DbkitError
from dbkit.report import Severity

__all__ = ["SMALL", "Sizes", "live_sizes", "parse_rows", "softened"]

# Rows below which reading, rewriting or indexing a whole table takes milliseconds.
SMALL = 10_000

_COUNTS = """
select n.nspname || '.' || c.relname,
    case when pg_relation_size(c.oid) = 0 then 0
        when c.reltuples >= 0 and c.relpages > 0
            then (c.reltuples / c.relpages * (pg_relation_size(c.oid) / current_setting('block_size')::bigint))::bigint
        else nullif(pg_stat_get_live_tuples(c.oid), 0) end,
    (select pn.nspname || '.' || p.relname from pg_inherits as i join pg_class as p on p.oid = i.inhparent
        join pg_namespace as pn on pn.oid = p.relnamespace where i.inhrelid = c.oid and c.relispartition)
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'p') and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast|temp)'
"""


class Sizes(NamedTuple):
    """Row counts of tables.

    Attributes:
        rows: `schema.name` -> rows.
        otherwise: rows of every table that is not listed; None where nothing is known of it.
    """

    rows: Mapping[str, int] = MappingProxyType({})
    otherwise: int | None = None

    def of(self, table: str | None) -> int | None:
        """Rows of a table as a rule names it (`public` left out); None where that is not known."""
        if table is None:
            return self.otherwise
        name = table.replace('"', "")
        return self.rows.get(name if "." in name else f"public.{name}", self.otherwise)


def softened(severity: Severity, table: str | None, sizes: Sizes) -> tuple[Severity, str | None]:
    """The severity of a finding about work on every row of a table, and the sentence that says why it is lower."""
    rows = sizes.of(table)
    if rows is None or rows >= SMALL or severity is Severity.NOTE:
        return severity, None
    moment = f"{table or 'The table'} has about {rows:,} rows; below {SMALL:,} this is over in a moment."
    return Severity.NOTE, moment


def parse_rows(given: Iterable[str], base: Sizes | None = None) -> Sizes:
    """`--rows`: N for every table, TABLE=N for one, or a JSON file of {"schema.table": N}; later ones win.

    Args:
        base: what is known already and goes on where nothing is given.

    Raises:
        DbkitError: neither of these.
    """
    rows, otherwise = (dict(base.rows), base.otherwise) if base else ({}, None)
    for text in given:
        table, separator, number = text.rpartition("=")
        if separator and number.strip().replace("_", "").isdigit():
            rows[_key(table)] = int(number)
        elif text.replace("_", "").isdigit():
            otherwise = int(text)
        elif Path(text).is_file():
            rows |= _read(Path(text))
        else:
            raise DbkitError(
                f"bad value of --rows: {text}",
                detail="It is a number, TABLE=NUMBER or an existing JSON file.",
                hint="Write --rows 1000000, --rows app.orders=1000000 or --rows rows.json.",
            )
    return Sizes(rows, otherwise)


def live_sizes(conninfo: str) -> Sizes:
    """The planner's row counts of every table, partitions added up. Only reads.

    Raises:
        DbkitError: the server cannot be reached.
    """
    from dbkit.migrate.session import Session

    with Session.connect(conninfo) as session:
        session.run("begin read only; set local search_path = pg_catalog")
        found = session.rows(_COUNTS)
        session.run("rollback")
    rows: dict[str, int] = {}
    for name, count, parent in found:
        if count is not None and name is not None:
            rows[name] = rows.get(name, 0) + int(count)
            if parent:
                rows[parent] = rows.get(parent, 0) + int(count)
    return Sizes(rows)


def _key(table: str) -> str:
    name = table.strip().replace('"', "")
    return name if "." in name else f"public.{name}"


def _read(path: Path) -> dict[str, int]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {_key(table): int(count) for table, count in document.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise DbkitError(
            f"cannot read the row counts in {path}",
            detail=f"{type(error).__name__}: {error}.",
            hint='Write JSON such as {"app.orders": 1000000}.',
        ) from None

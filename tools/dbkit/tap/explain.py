"""Say more about a failed assertion than pgTAP does: differing rows side by side, and where in a test function.

Both look at the database in the state the failing statement left, inside a savepoint that is rolled back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from dbkit.report import Location
from dbkit.tap.psql_state import Explain

if TYPE_CHECKING:
    import psycopg
    from psycopg.pq.abc import PGresult

__all__ = ["explainer", "row_difference"]

# Index of the printed line, text, and where the failure really is.
Explanation = tuple[int, str, Location | None]

SHOWN_ROWS = 10
# Rows fetched of each query at most: a comparison of more is not for reading.
_FETCHED_ROWS = 1000
_CELL_WIDTH = 40
_COMPARING = {"results_eq": True, "set_eq": False, "bag_eq": False}  # name -> is the order compared
_MENTIONS = re.compile(r"\b(?:results_eq|set_eq|bag_eq)\b", re.IGNORECASE)
_RUNTESTS = re.compile(r"\bruntests\b", re.IGNORECASE)
_SUBTEST = re.compile(r"\s+# Subtest: (?P<name>.+?)\s*$")
_FAILED = re.compile(r"\s+not ok \d+(?: - (?P<description>.*))?$")
_CONTEXT = re.compile(r"PL/pgSQL function (?P<name>[\w.\"]+)\(\) line (?P<line>\d+)")


def explainer(connection: psycopg.Connection[Any]) -> Explain:
    """The hook the engine calls after a statement that printed "not ok"."""

    def explain(sql: str, printed: list[str], bodies: Mapping[str, Location]) -> list[Explanation]:
        if _MENTIONS.search(sql):
            last = len(printed) - 1
            return [(last, line, None) for line in _explain_rows(connection, sql)]
        if _RUNTESTS.search(sql):
            return _explain_functions(connection, printed, bodies)
        return []

    return explain


def row_difference(
    columns: list[str], have: list[tuple[str | None, ...]], want: list[tuple[str | None, ...]], *, ordered: bool
) -> list[str]:
    """An aligned table of the first rows that differ: `-` is missing from the result, `+` is there too much.

    Args:
        ordered: compare row by row; otherwise as bags.
    """
    if ordered:
        pairs = [(number, *pair) for number, pair in enumerate(zip_longest(have, want), 1) if pair[0] != pair[1]]
        marked = [
            (str(number), sign, row)
            for number, left, right in pairs[:SHOWN_ROWS]
            for sign, row in (("-", right), ("+", left))
            if row is not None
        ]
        more = len(pairs) - SHOWN_ROWS
    else:
        missing, extra = Counter(want) - Counter(have), Counter(have) - Counter(want)
        listed = [("", "-", row) for row in missing.elements()] + [("", "+", row) for row in extra.elements()]
        marked, more = listed[:SHOWN_ROWS], len(listed) - SHOWN_ROWS
    if not marked:
        return []
    table = [("row" if ordered else "", " ", *columns)]
    table += [(number, sign, *(_cell(value) for value in row)) for number, sign, row in marked]
    lines = [f"#     {line}" for line in _aligned(table)]
    if more > 0:
        lines.append(f"#     … and {more} more")
    return lines


def _explain_rows(connection: psycopg.Connection[Any], sql: str) -> list[str]:
    queries = _compared_queries(sql)
    if queries is None:
        return []
    have_query, want_query, ordered = queries
    fetched = _fetch_both(connection, have_query, want_query)
    if fetched is None:
        return []
    (columns, have), (_, want) = fetched
    lines = row_difference(columns, have, want, ordered=ordered)
    if not lines:
        return []
    return [f"#     rows of the result (+) and of what is wanted (-), {len(have)} and {len(want)}:", *lines]


def _compared_queries(sql: str) -> tuple[str, str, bool] | None:
    """The two queries of the one `results_eq`, `set_eq` or `bag_eq` in a statement, if they can be read from it."""
    from pglast import ast, parser, visitors
    from pglast.stream import RawStream

    calls: list[Any] = []

    class _Calls(visitors.Visitor):
        def visit_FuncCall(self, _ancestors: Any, node: Any) -> None:  # the visitor's own naming
            if node.funcname[-1].sval in _COMPARING and len(node.args or ()) >= 2:
                calls.append(node)

    try:
        statements = parser.parse_sql(sql)
    except parser.ParseError:
        return None
    _Calls()(statements)
    if len(calls) != 1:
        return None
    name = calls[0].funcname[-1].sval
    queries: list[str] = []
    for argument in calls[0].args[:2]:
        literal = argument.arg if isinstance(argument, ast.TypeCast) else argument
        if isinstance(literal, ast.A_Const) and isinstance(literal.val, ast.String):
            text = literal.val.sval or ""
            # pgTAP's own rule for the name of a prepared statement
            prepared = text.startswith('"') or not re.search(r"\s", text)
            queries.append(f"execute {text}" if prepared else text)
        elif isinstance(literal, ast.A_ArrayExpr):
            queries.append(f"select unnest({RawStream()(argument)})")
        else:
            return None
    return queries[0], queries[1], _COMPARING[str(name)]


_Rows = tuple[list[str], list[tuple[str | None, ...]]]


def _fetch_both(connection: psycopg.Connection[Any], have: str, want: str) -> tuple[_Rows, _Rows] | None:
    """Run both queries and undo them; None when one fails."""
    from psycopg import pq

    pgconn = connection.pgconn
    inside = pgconn.transaction_status == pq.TransactionStatus.INTRANS
    if not inside and pgconn.transaction_status != pq.TransactionStatus.IDLE:
        return None
    begin, undo = (b"savepoint dbkit_explain", b"rollback to dbkit_explain; release dbkit_explain")
    if not inside:
        begin, undo = b"begin", b"rollback"
    notices, pgconn.notice_handler = pgconn.notice_handler, None
    pgconn.exec_(begin)
    try:
        fetched = []
        for query in (have, want):
            result = pgconn.exec_(query.encode("utf-8", "surrogateescape"))
            if result.status != pq.ExecStatus.TUPLES_OK:
                return None
            fetched.append(_rows(result))
        return fetched[0], fetched[1]
    finally:
        pgconn.exec_(undo)
        pgconn.notice_handler = notices


def _rows(result: PGresult) -> _Rows:
    columns = [(result.fname(column) or b"").decode("utf-8", "replace") for column in range(result.nfields)]
    rows = []
    for row in range(min(result.ntuples, _FETCHED_ROWS)):
        cells = [result.get_value(row, column) for column in range(result.nfields)]
        rows.append(tuple(None if cell is None else bytes(cell).decode("utf-8", "replace") for cell in cells))
    return columns, rows


def _explain_functions(
    connection: psycopg.Connection[Any], printed: list[str], bodies: Mapping[str, Location]
) -> list[Explanation]:
    """For each failed test function of `runtests()`: its name and the line of its body, and that of the file."""
    found: list[Explanation] = []
    function = ""
    line: int | None = None
    for index, text in enumerate(printed):
        if match := _SUBTEST.match(text):
            function, line = match["name"].removesuffix("()"), None
        elif match := _CONTEXT.search(text):
            if match["name"].split(".")[-1] == function.split(".")[-1]:
                line = int(match["line"])
        elif match := _FAILED.match(text):
            line = line or _line_in_function(connection, function, match["description"] or "")
        elif function and re.match(r"not ok \d+", text):
            body = bodies.get(function) or bodies.get(function.split(".")[-1])
            place = Location(body.file, body.line + line - 1) if body and line else None
            where = f"line {line} of {function}()" if line else f"{function}()"
            found.append((index, f"# in {where}", place))
            function = ""
    return found


def _line_in_function(connection: psycopg.Connection[Any], function: str, description: str) -> int | None:
    """Line of the body, counted as PL/pgSQL's CONTEXT does, whose assertion has this description."""
    from psycopg import pq

    if not description:
        return None
    literal = function.replace("'", "''")
    result = connection.pgconn.exec_(
        f"select prosrc from pg_catalog.pg_proc where oid = pg_catalog.to_regproc('{literal}')".encode()
    )
    if result.status != pq.ExecStatus.TUPLES_OK or result.ntuples != 1:
        return None
    body = (result.get_value(0, 0) or b"").decode("utf-8", "replace")
    found = [number for number, line in enumerate(body.split("\n"), 1) if description.replace("'", "''") in line]
    return found[0] if len(found) == 1 else None


def _cell(value: str | None) -> str:
    if value is None:
        return "∅"
    value = value.replace("\n", "⏎")
    return value if len(value) <= _CELL_WIDTH else value[: _CELL_WIDTH - 1] + "…"


def _aligned(table: list[tuple[str, ...]]) -> list[str]:
    width = max(len(row) for row in table)
    padded = [(*row, *[""] * (width - len(row))) for row in table]
    widths = [max(len(row[column]) for row in padded) for column in range(width)]
    return ["  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip() for row in padded]

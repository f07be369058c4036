"""Questions about the indexes of a live table that several rules ask."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dbkit.catalog import Index, Table

__all__ = ["leading_index", "parts", "serves_foreign_key", "signature"]

_NOT_NULL = re.compile(r"\(*\"?(?P<column>[^\"()]+?)\"? IS NOT NULL\)*")


def parts(index: Index) -> tuple[tuple[str, ...], str]:
    """Each key as SQL text, with operator class, collation and order, and what follows the list of keys."""
    text = index.definition.partition(" USING ")[2]
    start = text.index("(")
    keys, depth, quote, begin = [], 0, "", start + 1
    for place in range(start, len(text)):
        letter = text[place]
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        if not quote and ((letter == "," and depth == 1) or depth == 0):
            keys.append(text[begin:place].strip())
            begin = place + 1
            if depth == 0:
                break
    return tuple(keys), text[begin:]


def signature(index: Index) -> tuple[object, ...]:
    """Equal for indexes that do the same work."""
    return (index.method, *parts(index))


def leading_index(table: Table, columns: Sequence[str]) -> Index | None:
    """A valid index that begins with these columns, in any order, for every row in which they are not null."""
    wanted = set(columns)
    for index in table.indexes.values():
        leads = set(index.columns[: len(wanted)]) == wanted and index.method in ("btree", "hash")
        if leads and index.valid and (index.predicate is None or _asks_not_null(index.predicate, wanted)):
            return index
    return None


def serves_foreign_key(index: Index, table: Table) -> bool:
    """Whether without this index a foreign key of the table has none."""
    others = {name: other for name, other in table.indexes.items() if other is not index}
    return any(
        set(index.columns[: len(key.columns)]) == set(key.columns) and not _leads_any(others, key.columns)
        for key in table.foreign_keys
    )


def _leads_any(indexes: dict[str, Index], columns: Sequence[str]) -> bool:
    return any(set(index.columns[: len(columns)]) == set(columns) and index.valid for index in indexes.values())


def _asks_not_null(predicate: str, columns: set[str]) -> bool:
    match = _NOT_NULL.fullmatch(predicate)
    return match is not None and match["column"] in columns

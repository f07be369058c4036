"""Other values that rows may have: what a view or a function asks of a row beside whose it is.

A population is one moment of a product's life: an invoice is not yet overdue, a balance is what chance made it. Where
a condition asks for more, the rows are given it here, as assignments for an UPDATE of the administrator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["TIMES", "Shape", "assigned", "numbers", "shapes"]

# Column -> the SQL of its value.
Shape = dict[str, str]

# Types of columns that hold a moment or a day.
TIMES = ("timestamptz", "timestamp", "date")
_TEXTS = ("text", "varchar", "bpchar", "citext", "name")
_LARGEST = {"int2": "30000", "int4": "1000000", "int8": "1000000", "float4": "1000000", "float8": "1000000"}
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_MOST_SHAPES = 12


def assigned(table: Table, shape: Shape) -> str:
    """The shape as the SET clause of an UPDATE."""
    return ", ".join(f"{table.columns[name].sql} = {value}" for name, value in shape.items())


def shapes(text: str, table: Table) -> list[Shape]:
    """What a definition may ask of times, flags, states and numbers of a table's rows.

    Args:
        text: the definition, with those of what it reads and calls.
    """
    asked = [column for column in _free(table) if re.search(rf"\b{re.escape(column.name)}\b", text)]
    choices = {column.name: found for column in asked if (found := list(dict.fromkeys(_choices(text, column))))}
    others = [
        {name: found[min(number, len(found) - 1)] for name, found in choices.items()}
        for number in range(max(map(len, choices.values()), default=0))
    ]
    sized = numbers(text, table)
    return [*others, *sized, *({**one, **two} for one in others for two in sized)][:_MOST_SHAPES]


def numbers(text: str, table: Table) -> list[Shape]:
    """The numbers a text compares made large or small: all of them, then each against the others."""
    columns = [column for column in _free(table) if _large(column) and _ordered(text, column.name)]
    names = [column.name for column in columns]
    talls = [names, [], *([name] for name in names if len(names) > 1)] if names else []
    return [{column.name: str(_large(column)) if column.name in tall else "0" for column in columns} for tall in talls]


def _ordered(text: str, column: str) -> bool:
    """Whether the text asks how large the column is: its name and a comparison in one condition."""
    name = rf"\b{re.escape(column)}\b"
    near = r"[^;]{0,40}?"
    return re.search(rf"{name}{near}(?:[<>]|\bbetween\b)|[<>]{near}{name}", text, re.IGNORECASE) is not None


def _large(column: Column) -> str | None:
    digits = re.fullmatch(r"numeric\((\d+)(?:,(\d+))?\)", column.type)
    if digits:
        return "9" * min(int(digits[1]) - int(digits[2] or 0), 7) or "0"
    return "1000000" if column.base == "numeric" else _LARGEST.get(column.base)


def _free(table: Table) -> list[Column]:
    """Columns that neither say which row it is nor lead to another, and that are not made by the server."""
    fixed = {name for unique in table.uniques for name in unique.columns}
    fixed |= {name for key in table.foreign_keys for name in key.columns}
    return [column for column in table.columns.values() if column.name not in fixed and not column.filled_by_server]


def _choices(text: str, column: Column) -> Iterator[str]:
    """Values of one column that a condition may ask for, as SQL."""
    if column.base == "bool":
        yield from ("true", "false")
    elif column.base in TIMES:
        yield from ("'2000-01-01'", "'2100-01-01'", "now()")
        if column.nullable:
            yield "null"
    elif column.labels or column.base in _TEXTS:
        name = rf"\b{re.escape(column.name)}\b\)?(?:::\w+)?"
        compared = re.findall(
            rf"{name}\s*(?:=|in\b)\s*(?:any\s*)?(\(.*?\)\)?|'(?:[^']|'')*')", text, re.IGNORECASE | re.DOTALL
        )
        yield from map(literal, _LITERAL.findall(" ".join(compared)))

"""Print query results the way `psql -At` does, so that TAP lines come out the same from both engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dbkit.tap.psql_variables import NeedsPsql, PsqlError, parse_bool

__all__ = ["PrintOptions", "format_rows", "quoted_value"]

# Options that change nothing in unaligned output.
_NO_EFFECT = {
    "border", "columns", "linestyle", "pager", "pager_min_lines", "tableattr", "T", "csv_fieldsep", "xheader_width",
    "unicode_border_linestyle", "unicode_column_linestyle", "unicode_header_linestyle",
}  # fmt: skip


@dataclass
class PrintOptions:
    r"""What `\pset` can change in unaligned output.

    Attributes:
        tuples_only: no header and no "(n rows)".
        expanded: one column a line.
        null: printed for NULL.
        footer: print "(n rows)" when not tuples_only.
    """

    tuples_only: bool = True
    expanded: bool = False
    null: str = ""
    field_separator: str = "|"
    record_separator: str = "\n"
    footer: bool = True
    title: str | None = None

    def pset(self, option: str, value: str | None) -> None:
        r"""`\pset option [value]`. Raises NeedsPsql for formats other than unaligned."""
        if option == "format":
            if value is None or not "unaligned".startswith(value.lower()) or not value:
                raise NeedsPsql(f"\\pset format {value or ''}".rstrip())
        elif option in ("t", "tuples_only"):
            self.tuples_only = self._switch(option, value, self.tuples_only)
        elif option in ("x", "expanded", "vertical"):
            if value == "auto":
                raise NeedsPsql("\\pset expanded auto")
            self.expanded = self._switch(option, value, self.expanded)
        elif option == "footer":
            self.footer = self._switch(option, value, self.footer)
        elif option == "null":
            self.null = self.null if value is None else value
        elif option == "fieldsep":
            self.field_separator = self.field_separator if value is None else value
        elif option == "recordsep":
            self.record_separator = self.record_separator if value is None else value
        elif option in ("title", "C"):
            self.title = value
        elif option not in _NO_EFFECT:
            raise NeedsPsql(f"\\pset {option}")

    @staticmethod
    def _switch(option: str, value: str | None, current: bool) -> bool:
        if value is None:
            return not current
        meaning = parse_bool(value)
        if meaning is None:
            raise PsqlError(f'unrecognized value "{value}" for "{option}": Boolean expected')
        return meaning


def format_rows(columns: list[str], rows: list[list[str | None]], options: PrintOptions) -> str:
    """The text psql prints for one result, with its final newline; empty when psql prints nothing."""
    if options.expanded:
        return _vertical(columns, rows, options)
    records = []
    if not options.tuples_only:
        if options.title is not None:
            records.append(options.title)
        records.append(options.field_separator.join(columns))
    if columns:
        records += [options.field_separator.join(_cells(row, options)) for row in rows]
    if not options.tuples_only and options.footer:
        records.append(f"({len(rows)} row)" if len(rows) == 1 else f"({len(rows)} rows)")
    return options.record_separator.join(records) + "\n" if records else ""


def _vertical(columns: list[str], rows: list[list[str | None]], options: PrintOptions) -> str:
    if not options.tuples_only:
        raise NeedsPsql("\\x with headers")
    records = [
        options.record_separator.join(
            f"{name}{options.field_separator}{cell}" for name, cell in zip(columns, _cells(row, options), strict=True)
        )
        for row in rows
    ]
    return (options.record_separator * 2).join(records) + "\n" if records and columns else ""


def _cells(row: list[str | None], options: PrintOptions) -> list[str]:
    return [options.null if cell is None else cell for cell in row]


def quoted_value(connection: Any, form: str, value: str) -> str:
    """A psql variable quoted by libpq: form "literal" or "identifier"."""
    from psycopg.pq import Escaping

    escaping = Escaping(connection)
    raw = value.encode("utf-8", "surrogateescape")
    quoted = escaping.escape_literal(raw) if form == "literal" else escaping.escape_identifier(raw)
    return bytes(quoted).decode("utf-8", "surrogateescape")

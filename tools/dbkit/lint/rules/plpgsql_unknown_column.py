"""PL/pgSQL body that names a column the table does not have.

## What it does
Reports a column in a PL/pgSQL function that none of the tables of its query has: in queries, in the target lists of
INSERT and UPDATE, in `new.…` and `old.…` of a trigger's table, and in variables that hold a row. Only tables whose
columns the files show are judged, and a name that could be a variable never is.

## Why is this bad?
CREATE FUNCTION does not look inside a PL/pgSQL body: the first call that gets there fails with 42703. A rename or a
drop leaves such functions behind.

## Example
```sql
create function app.doc_body(p_id bigint) returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (select d.text from app.docs d where d.id = p_id);
end
$$;
```

## Use instead
```sql
create function app.doc_body(p_id bigint) returns text
    language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (select d.body from app.docs d where d.id = p_id);
end
$$;
```
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dbkit.lint.column_names import UnknownColumn, unknown_columns
from dbkit.lint.engine import Context
from dbkit.lint.flow import blanked, declared_names, row_variables
from dbkit.lint.model import Function
from dbkit.lint.routines import body_of, body_statements, function_label, functions_here
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, nodes
from dbkit.parse import Body, Statement
from dbkit.report import Severity

rule = Rule(code="C145", severity=Severity.ERROR, lock="fails 42703 at run time only")

_ROWS = ("new", "old")
# Variables every body, or every trigger's, has.
_GIVEN = frozenset(
    {"new", "old", "found", "sqlstate", "sqlerrm", "tg_name", "tg_when", "tg_level", "tg_op", "tg_relid", "tg_relname"}
    | {"tg_table_name", "tg_table_schema", "tg_nargs", "tg_argv", "tg_event", "tg_tag"}
)


@rule.concluded_with("functions")
def check(context: Context) -> Iterator[Hit]:
    current = {
        id(function.statement): function for function in functions_here(context) if function.language == "plpgsql"
    }
    for statement in context.file.script.statements if current else ():
        function = current.get(id(statement.node))
        body = body_of(statement) if function else None
        if function is None or body is None:
            continue
        variables = declared_names(body.text) | {name.lower() for name in function.names} | _GIVEN
        rows = dict(_row_columns(function, body.text, context))
        for inside in body_statements(statement):
            unknown_here = [*unknown_columns(inside, context.state, variables), *_unknown_in_rows(inside, rows)]
            for unknown in unknown_here:
                if not _may_be_added_elsewhere(unknown.column, context):
                    yield _hit(unknown, function, inside.offset(unknown.node))
        for unknown, place in _unknown_targets(body, rows):
            if not _may_be_added_elsewhere(unknown.column, context):
                yield _hit(unknown, function, place)


def _hit(unknown: UnknownColumn, function: Function, place: int) -> Hit:
    from difflib import get_close_matches

    close = get_close_matches(unknown.column, unknown.known, n=1)
    return Hit(
        f"function {function_label(function)} names {unknown.column}, which {unknown.where} does not have",
        at=place,
        object=function_label(function),
        hint=f"Did you mean {close[0]}?" if close else None,
    )


def _row_columns(function: Function, body: str, context: Context) -> Iterator[tuple[str, tuple[str, Collection[str]]]]:
    """Variables that hold a row, with the table's name and columns; new and old where one table has the trigger."""
    for variable, kind in row_variables(body):
        schema, _, name = kind.rpartition(".")
        table = context.state.tables.get(context.state.resolve(schema or None, name))
        if table is not None and table.known and not table.copied:
            yield variable, (str(table), table.columns)
    tables = [context.state.tables.get(key) for key in set(context.state.triggers.get(function.key, ()))]
    if tables and all(table is not None and table.known and not table.copied for table in tables):
        columns = {column for table in tables if table for column in table.columns}
        for name in _ROWS:
            yield name, (" and ".join(sorted(map(str, tables))), columns)


def _unknown_in_rows(inside: Statement, rows: dict[str, tuple[str, Collection[str]]]) -> Iterator[UnknownColumn]:
    if not rows:
        return
    for tag, node in nodes(inside):
        parts = names(node["fields"]) if tag == "ColumnRef" else []
        if len(parts) == 2 and len(node["fields"]) == 2 and parts[0] in rows:
            table, columns = rows[parts[0]]
            if parts[1] not in columns:
                yield UnknownColumn(parts[1], table, node, tuple(columns))


def _unknown_targets(body: Body, rows: dict[str, tuple[str, Collection[str]]]) -> Iterator[tuple[UnknownColumn, int]]:
    """Assignments to a column that the row of a variable does not have, with their places."""
    for match in _ASSIGNED.finditer(blanked(body.text)) if rows else ():
        table, columns = rows.get(match["row"].lower(), ("", ()))
        column = match["column"].strip('"') if match["column"].startswith('"') else match["column"].lower()
        if table and column not in columns:
            yield UnknownColumn(column, table, {}, tuple(columns)), body.offset + match.start()


_ASSIGNED = re.compile(r'(?<![\w.])(?P<row>\w+)\.(?P<column>\w+|"[^"]+")\s*:?=')


def _may_be_added_elsewhere(column: str, context: Context) -> bool:
    """Whether a DO block or a statement the parser refused names the column: what they did is not known."""
    word = re.compile(rf"(?<!\w){re.escape(column)}(?!\w)")
    for file in context.series.files:
        if column not in file.text:
            continue
        if file.script.problems or any(
            item.tag == "DoStmt" and word.search(item.text) for item in file.script.statements
        ):
            return True
    return False

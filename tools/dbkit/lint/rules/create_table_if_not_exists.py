"""CREATE TABLE IF NOT EXISTS hides a table of another shape.

## What it does
Reports CREATE TABLE IF NOT EXISTS in a migration for a table that an earlier file created, and notes it for any other
permanent table.

## Why is this bad?
A migration knows what exists. Where a table of that name is there already, nothing is created and nothing is said,
and the next statement meets columns nobody expected.

## Example
```sql
create table if not exists app.docs (
    id    bigint primary key,
    title text
);
```

## Use instead
```sql
create table app.titles (
    id    bigint primary key,
    title text
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import label
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C087", severity=Severity.WARNING, files=frozenset({MIGRATION}))


@rule.on("CreateStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    place = statement.node["relation"]
    if not statement.node.get("if_not_exists") or place.get("relpersistence") == "t":
        return
    key = context.state.new_key(place)
    table, existing = label(key), context.state.tables.get(key)
    if existing is not None and not existing.known:
        existing = None
    there = f"table {table} exists already ({existing.origin.file.display})" if existing else None
    yield Hit(
        f"{there}, so nothing is created" if there else f"if not exists would hide a table {table} of another shape",
        at=statement.start,
        object=table,
        hint="Remove if not exists.",
        severity=None if existing else Severity.NOTE,
    )

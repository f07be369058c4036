"""Index over more than three columns.

## What it does
Notes a plain index over more than three columns. Unique indexes and keys are left alone.

## Why is this bad?
It is rarely used past its second column, and every write pays for all of them: an update of any of its columns is no
longer a HOT update.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    a text, b text, c text, d text
);
create index notes_idx on app.notes (a, b, c, d);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    a text, b text, c text, d text
);
create index notes_idx on app.notes (a, b);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C079", severity=Severity.NOTE)

_WIDE = 3


@rule.on("IndexStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    columns = len(statement.node.get("indexParams", ()))
    if columns > _WIDE and not statement.node.get("unique"):
        yield Hit(
            f"index {statement.node.get('idxname') or 'without a name'} has {columns} columns",
            at=statement.start,
            object=context.state.name(statement.node["relation"]),
            hint="Keep the columns queries search by; INCLUDE what they only read.",
        )

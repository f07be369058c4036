"""ADD COLUMN … NOT NULL without a DEFAULT on a table that may have rows.

## What it does
Reports a column that is added to an existing table, forbids NULL and has no default (or `default null`). A table the
same migration creates has no rows yet and is left alone; serial, identity and generated columns fill themselves.

## Why is this bad?
It fails as soon as the table has one row: the row would hold NULL. It passes on an empty test database and stops the
release in production.

## Example
```sql
alter table app.accounts add column region text not null;
```

## Use instead
```sql
alter table app.accounts add column region text not null default 'eu';
```
or, where no constant is right: add the column without NOT NULL, fill it in batches, add
`check (region is not null) not valid`, validate it, and set NOT NULL.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import column_type, has_default, is_array, is_not_null
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L006", severity=Severity.ERROR, lock="fails 23502 on a table with rows", files=frozenset({MIGRATION}))


@rule.on_alter("AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, column in context.added_columns(statement):
        required = is_not_null(column) or _is_of_required_domain(column, context)
        if required and not has_default(column):
            name = column["colname"]
            yield Hit(
                f"column {name} is added to {table} as not null without a default",
                at=statement.offset(column),
                object=f"{table}.{name}",
                hint="Give it a constant default, or add it nullable, fill it, and set not null later.",
            )


def _is_of_required_domain(column: Node, context: Context) -> bool:
    parts = column_type(column).split(".")
    return not is_array(column) and context.state.object_key(parts) in context.state.required

"""A length limit in the type: varchar(n).

## What it does
Reports a column of type varchar(n), new or changed to it.

## Why is this bad?
Lowering the limit scans the table under ACCESS EXCLUSIVE and can fail on rows; a CHECK can be added NOT VALID and
validated while the table is in use, and it can say more than a length.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    title varchar(100) not null
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    title text not null,
    constraint notes_title_length check (length(title) <= 100)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.fix import text_with_check
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands, type_modifiers
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L028", severity=Severity.WARNING, fix="text and a named check of the length")


@rule.on_column("varchar")
def check(name: str, column: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    if type_modifiers(column) and not _had_one(name, statement, context):
        yield Hit(
            f"column {name} is varchar({type_modifiers(column)[0]})",
            at=statement.offset(column),
            hint="Write text, and a check (length(…) <= n) where a limit is meant.",
            fix=lambda: text_with_check(statement, column),
        )


def _had_one(name: str, statement: Statement, context: Context) -> bool:
    """Whether the statement gives an old column that has a limit another one."""
    if all(command["subtype"] != "AT_AlterColumnType" for command in commands(statement.node)):
        return False
    table = context.state.find(statement.node["relation"])
    column = table.columns.get(name) if table else None
    return column is not None and column.type == "varchar" and bool(column.modifiers)

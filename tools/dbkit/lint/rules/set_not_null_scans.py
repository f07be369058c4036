"""SET NOT NULL reads the whole table under lock.

## What it does
Reports SET NOT NULL on a table that the same migration did not create, unless a validated CHECK (column IS NOT NULL)
is there to prove it.

## Why is this bad?
Every row is read while ACCESS EXCLUSIVE keeps everybody out. With a validated CHECK PostgreSQL takes its word.

## Example
```sql
alter table app.orders alter column total set not null;
```

## Use instead
```sql
-- migrate:up transaction:false
alter table app.orders add constraint orders_total_set check (total is not null) not valid;
alter table app.orders validate constraint orders_total_set;
alter table app.orders alter column total set not null;
alter table app.orders drop constraint orders_total_set;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Table
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands, names
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L008",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE during a full scan",
    work="scan",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_SetNotNull")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if context.state.is_new(relation, context.file):
        return
    table = context.state.find(relation)
    for command in commands(statement.node):
        if command["subtype"] == "AT_SetNotNull" and not (table and _is_proven(table, command["name"])):
            yield Hit(
                f"every row of {context.state.name(relation)} is read under lock to see that {command['name']} is set",
                at=statement.start,
                object=context.state.name(relation),
                hint=f"First add check ({command['name']} is not null) not valid and validate it.",
            )


def _is_proven(table: Table, column: str) -> bool:
    """Whether the column cannot be null already: it says so, or a validated check does."""
    known = table.columns.get(column)
    if known is not None and known.not_null:
        return True
    return any(
        constraint.kind == "check" and constraint.valid and _asks_for(column, constraint.expression)
        for constraint in table.constraints.values()
    )


def _asks_for(column: str, expression: Node) -> bool:
    """Whether an expression is, or joins with AND, `column is not null`: PostgreSQL takes no other for a proof."""
    parts = expression.get("BoolExpr", {})
    if parts:
        return parts["boolop"] == "AND_EXPR" and any(_asks_for(column, part) for part in parts["args"])
    test = expression.get("NullTest", {})
    fields = test.get("arg", {}).get("ColumnRef", {}).get("fields", ())
    return test.get("nulltesttype") == "IS_NOT_NULL" and names(fields)[-1:] == [column]

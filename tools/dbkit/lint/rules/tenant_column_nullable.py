"""Tenant column that may be NULL.

## What it does
Reports a tenant table whose tenant column is nullable when the whole history or tree has been read, and a DROP NOT NULL
of it. A column added by a migration with `-- Phase: expand` is on its way to NOT NULL and is left to the declared tree.

## Why is this bad?
A row without a tenant belongs to nobody: `tenant_id = …` is never true for it, so no policy shows it, no tenant's
export or erasure finds it, and a policy that treats NULL as "shared" shows it to all.

## Example
```sql
create table app.notes (
    tenant_id uuid,
    id        uuid primary key
);
```

## Use instead
```sql
create table app.notes (
    tenant_id uuid not null,
    id        uuid primary key
);
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L033", severity=Severity.ERROR)

_EXPAND = re.compile(r"^--\s*Phase:\s*(?:expand|migrate)\s*$", re.IGNORECASE | re.MULTILINE)


@rule.on_alter("AT_DropNotNull")
def check_drop(statement: Statement, context: Context) -> Iterator[Hit]:
    table = context.state.find(statement.node["relation"])
    tenant = context.tenants.column(table) if table else None
    for command in commands(statement.node):
        if command["subtype"] == "AT_DropNotNull" and command["name"] == tenant:
            yield Hit(
                f"tenant column {tenant} of {table} may be null from now on",
                at=statement.start,
                object=f"{table}.{tenant}",
                hint="Leave it not null: a row without a tenant is seen by nobody, or by everybody.",
            )


@rule.concluded_with("columns")
def check(context: Context) -> Iterator[Hit]:
    for table, column in context.effects.columns:
        alive = context.state.is_alive(table) and table.columns.get(column.name) is column and not table.temporary
        if not alive or column.not_null or context.tenants.column(table) != column.name:
            continue
        if table.origin.file is not context.file and _EXPAND.search(context.file.text):
            continue
        yield Hit(
            f"tenant column {column.name} of {table} may be null",
            at=column.origin,
            object=f"{table}.{column.name}",
            hint="Declare it not null; an existing column: fill it, validate a check, then set not null.",
        )

"""Table without created_at, or without updated_at though its rows change.

## What it does
Reports a table that has no timestamptz column filled by the clock when a row is made, and one that application roles
may update that has no `updated_at`. Shared and internal tables, partitions and copies are left alone.

## Why is this bad?
When a row appeared, and when it changed last, is the first question after every incident, and what incremental exports
and caches go by. It cannot be answered afterwards.

## Example
```sql
create table app.notes (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
```

## Use instead
```sql
create table app.notes (
    tenant_id  uuid not null,
    id         uuid not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Column, Table
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L029", severity=Severity.ERROR, set=HOUSE)

_CHANGED = ("updated_at", "modified_at", "changed_at")


@rule.settled_with("tables")
def check(context: Context) -> Iterator[Hit]:
    for table in context.made_here():
        if table.kind not in ("table", "partitioned") or table.copied or table.key in context.tenants.exempt:
            continue
        if not any(_says_when_made(column) for column in table.columns.values()):
            yield _hit(table, "created_at timestamptz not null default now()", "does not say when a row was made")
        elif _is_updated(table, context) and not any(name in table.columns for name in _CHANGED):
            yield _hit(table, "updated_at timestamptz", "does not say when a row was changed")


def _hit(table: Table, column: str, fault: str) -> Hit:
    return Hit(f"{table} {fault}", at=table.origin, object=str(table), hint=f"Add {column}.")


def _says_when_made(column: Column) -> bool:
    clock = "FuncCall" in column.default or "SQLValueFunction" in column.default
    return column.name == "created_at" or (column.type == "timestamptz" and clock)


def _is_updated(table: Table, context: Context) -> bool:
    return any(
        policy.command == "update" and any(not context.tenants.is_trusted(role) for role in policy.roles)
        for policy in table.policies.values()
    )

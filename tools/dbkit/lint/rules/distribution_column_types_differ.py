"""Tenant column of another type than that of the other tenant tables, where tables are distributed.

## What it does
Reports, in profile citus, a new tenant table whose tenant column has another type than that of the tenant tables before
it.

## Why is this bad?
Tables are kept together on a node only if their distribution columns have one type. Otherwise a join of one tenant's
rows goes over the network, and a foreign key between the tables is refused.

## Example
```sql
create table app.parcels (
    tenant_id bigint not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
```

## Use instead
```sql
create table app.parcels (
    tenant_id uuid not null,
    id        uuid not null,
    primary key (tenant_id, id)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Table
from dbkit.lint.rule import CITUS, Hit, Rule
from dbkit.report import Severity

rule = Rule(code="D003", severity=Severity.ERROR, set=CITUS, lock="the tables cannot be colocated")


@rule.settled_with("tables")
def check(context: Context) -> Iterator[Hit]:
    for table in context.made_here():
        own = _type(table, context)
        for other in context.state.tables.values():
            if other is table or own is None:
                break
            theirs = _type(other, context)
            if theirs is not None and theirs != own:
                yield Hit(
                    f"tenant column of {table} is {own}, that of {other} is {theirs}",
                    at=table.origin,
                    object=str(table),
                    hint=f"Give it the type {theirs}.",
                )
                break


def _type(table: Table, context: Context) -> str | None:
    """Type of the tenant column of a table that has one and is not temporary."""
    name = context.tenants.column(table)
    column = table.columns.get(name) if name and not table.temporary else None
    return column.type or None if column else None

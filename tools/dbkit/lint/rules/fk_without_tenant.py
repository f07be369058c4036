"""Foreign key between tenant tables that leaves the tenant column out.

## What it does
Reports a foreign key from one tenant table to another whose columns do not pair the tenant columns of the two, and a
key that repeats the tenant column but says ON DELETE SET NULL (or SET DEFAULT) without naming the columns to set.

## Why is this bad?
The key checks that the id exists, not that it is the same tenant's: a row of tenant A can point at a row of tenant B,
and foreign key checks ignore row security. A composite SET NULL without its column list tries to null the tenant
column as well, so the DELETE fails.

## Example
```sql
create table app.lines (
    tenant_id uuid not null,
    id        uuid not null,
    order_id  uuid not null references app.orders (id),
    primary key (tenant_id, id)
);
```

## Use instead
```sql
create table app.lines (
    tenant_id uuid not null,
    id        uuid not null,
    order_id  uuid not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, order_id) references app.orders (tenant_id, id)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Constraint, Table, label
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L032", severity=Severity.ERROR)


@rule.settled_with("foreign_keys")
def check(context: Context) -> Iterator[Hit]:
    for table, constraint in context.foreign_keys_here():
        parent = context.state.tables.get(constraint.target) if constraint.target else None
        tenant = context.tenants.column(table)
        if parent is None or tenant is None or not parent.known:
            continue
        parent_tenant = context.tenants.column(parent)
        if not context.tenants.declared and _holds_a_column_in_common(constraint, parent, tenant, parent_tenant):
            continue
        if parent_tenant is not None and not _pairs(constraint, parent, tenant, parent_tenant):
            yield Hit(
                f"foreign key {constraint.name} on {table} can point at another tenant's row of {parent}",
                at=constraint.origin,
                object=str(table),
                hint=_hint(constraint, parent, tenant, parent_tenant),
            )
        elif constraint.on_delete_columns and not context.tenants.declared:
            continue  # somebody chose what is cleared, and the tenant column is a guess
        elif len(constraint.columns) > 1 and tenant in constraint.columns and _clears(constraint, tenant):
            action = "set null" if constraint.on_delete == "n" else "set default"
            others = ", ".join(column for column in constraint.columns if column != tenant)
            yield Hit(
                f"on delete {action} of foreign key {constraint.name} on {table} also clears {tenant}",
                at=constraint.origin,
                object=str(table),
                hint=f"on delete {action} ({others})",
            )


def _pairs(constraint: Constraint, parent: Table, tenant: str, parent_tenant: str) -> bool:
    targets = constraint.target_columns or parent.primary_key
    return (tenant, parent_tenant) in zip(constraint.columns, targets, strict=False)


def _holds_a_column_in_common(constraint: Constraint, parent: Table, tenant: str, parent_tenant: str | None) -> bool:
    """Whether a key holds what could be the tenant column of either: where both are guesses, they may differ."""
    shared = [column for column in (tenant, parent_tenant) if column is not None and tenant != parent_tenant]
    return any(_pairs(constraint, parent, column, column) for column in shared)


def _clears(constraint: Constraint, tenant: str) -> bool:
    cleared = constraint.on_delete_columns or constraint.columns
    return constraint.on_delete in ("n", "d") and tenant in cleared


def _hint(constraint: Constraint, parent: Table, tenant: str, parent_tenant: str) -> str:
    columns = ", ".join((tenant, *(column for column in constraint.columns if column != tenant)))
    targets = constraint.target_columns or parent.primary_key
    others = ", ".join((parent_tenant, *(column for column in targets if column != parent_tenant)))
    return f"foreign key ({columns}) references {label(parent.key)} ({others})"

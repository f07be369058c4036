"""Foreign key that leaves the node its rows are on, where tables are distributed.

## What it does
Reports, in profile citus, a foreign key of a tenant table to another one that does not pair their tenant columns, one
that clears the tenant column on delete, and one from a table without tenants (a reference table) to a tenant table.

## Why is this bad?
Citus checks foreign keys inside a node only: tenant tables are together there by their tenant column, and reference
tables are on every node. It refuses any other key, and SET NULL or SET DEFAULT of the column that rows are spread by.

## Example
```sql
create table app.parcels (
    tenant_id  uuid not null,
    id         uuid not null,
    account_id uuid not null,
    primary key (tenant_id, id),
    foreign key (account_id) references app.accounts (id)
);
```

## Use instead
```sql
create table app.parcels (
    tenant_id  uuid not null,
    id         uuid not null,
    account_id uuid not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, account_id) references app.accounts (tenant_id, id)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Constraint, Table
from dbkit.lint.rule import CITUS, Hit, Rule
from dbkit.report import Severity

rule = Rule(code="D002", severity=Severity.ERROR, set=CITUS, lock="create_distributed_table() fails 0A000")

_CLEARING = ("n", "d")  # set null, set default


@rule.settled_with("foreign_keys")
def check(context: Context) -> Iterator[Hit]:
    for table, key in context.foreign_keys_here():
        parent = context.state.tables.get(key.target) if key.target else None
        if parent is None or not parent.known or table.temporary:
            continue
        reason = _reason(table, parent, key, context)
        if reason is not None:
            message, hint = reason
            yield Hit(f"foreign key {key.name} of {table} {message}", at=key.origin, object=str(table), hint=hint)


def _reason(table: Table, parent: Table, key: Constraint, context: Context) -> tuple[str, str] | None:
    """What is wrong and what to write instead; None for a key that stays on its node."""
    own, other = context.tenants.column(table), context.tenants.column(parent)
    if parent.key == context.tenants.registry or (other is None and _is_tenant_list(parent, own, key)):
        return None
    if other is None:
        return None  # a reference table is on every node
    if own is None:
        return f"points from a reference table at rows of {parent} on one node", "Leave the key out, or add a tenant."
    pairs = zip(key.columns, key.target_columns or parent.primary_key, strict=False)
    if (own, other) not in pairs:
        return (
            f"does not pair {own} with {other} of {parent}",
            f"foreign key ({own}, …) references {parent} ({other}, …)",
        )
    if key.on_delete in _CLEARING and (not key.on_delete_columns or own in key.on_delete_columns):
        return f"clears {own}, by which rows are spread", "on delete restrict, or cascade"
    return None


def _is_tenant_list(parent: Table, own: str | None, key: Constraint) -> bool:
    """Whether the parent is the list of tenants itself, spread by its own key."""
    return own is not None and key.columns == (own,) and len(parent.primary_key) == 1

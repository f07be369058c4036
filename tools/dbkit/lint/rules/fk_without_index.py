"""Foreign key without an index on the referencing columns.

## What it does
Reports a foreign key whose columns no index of the referencing table begins with, when the whole history or tree has
been read. In a key that repeats the tenant column, an index on the other columns alone is enough. A partial index
counts only if its predicate says no more than `column is not null`.

## Why is this bad?
Every DELETE and every key UPDATE on the referenced table looks for referencing rows, by a sequential scan of the
whole referencing table while it holds a row lock. Joins along the key read the table, too.

## Example
```sql
create table app.lines (
    id       bigint generated always as identity primary key,
    order_id bigint not null references app.orders (id)
);
```

## Use instead
```sql
create table app.lines (
    id       bigint generated always as identity primary key,
    order_id bigint not null references app.orders (id)
);
create index lines_order_id_idx on app.lines (order_id);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Constraint, Index, Table
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L031", severity=Severity.ERROR, lock="a DELETE on the parent scans the child while holding row locks")


@rule.concluded_with("foreign_keys")
def check(context: Context) -> Iterator[Hit]:
    for table, constraint in context.foreign_keys_here():
        if not constraint.columns or table.temporary or not table.known:
            continue
        tenant = context.tenants.column(table)
        if not any(_serves(index, constraint, tenant) for index in table.indexes.values()):
            columns = ", ".join(constraint.columns)
            yield Hit(
                f"foreign key {constraint.name} on {table} has no index on ({columns})",
                at=constraint.origin,
                object=str(table),
                hint=_hint(table, constraint, context),
            )


def _serves(index: Index, constraint: Constraint, tenant: str | None) -> bool:
    """Whether a look-up of referencing rows can use the index."""
    wanted = set(constraint.columns)
    if index.method not in ("btree", "hash"):
        return False
    if index.predicate is not None and not (isinstance(index.predicate, tuple) and wanted >= set(index.predicate)):
        return False
    if index.unique and index.columns and set(index.columns) <= wanted:
        return True
    # Within one tenant the other columns are what finds the row: (order_id) serves (tenant_id, order_id).
    needed = wanted - {tenant} or wanted
    leading = set()
    for column in index.columns:
        if column not in wanted:
            break
        leading.add(column)
    return leading >= needed


def _hint(table: Table, constraint: Constraint, context: Context) -> str:
    columns = ", ".join(constraint.columns)
    existing = context.file.kind == "migration" and table.origin.file is not context.file
    how = "create index concurrently" if existing else "create index"
    return f"{how} {table.key[1]}_{'_'.join(constraint.columns)}_idx on {table} ({columns});"

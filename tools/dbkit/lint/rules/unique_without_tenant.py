"""Unique key of a tenant table without the tenant column.

## What it does
Reports a unique constraint or index of a tenant table that does not hold the tenant column. Left alone: primary keys
and what contains one, keys over a foreign key that leads to one tenant's row, generated values, and columns that are
random by their name (token, hash, nonce, uuid, path …).

## Why is this bad?
One tenant is refused a value because another has it, and learns by the refusal that it exists.

## Example
```sql
-- migrate:up transaction:false
create unique index concurrently accounts_email_key on app.accounts (email);
```

## Use instead
```sql
-- migrate:up transaction:false
create unique index concurrently accounts_email_key on app.accounts (tenant_id, email);
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Column, Index, Table
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L054", severity=Severity.WARNING, lock="none; existence leak across tenants")

_RANDOM = frozenset({"token", "hash", "digest", "nonce", "secret", "fingerprint", "signature", "uuid", "guid", "path"})


@rule.settled_with("indexes")
def check(context: Context) -> Iterator[Hit]:
    for table, index in context.indexes_here():
        tenant = context.tenants.column(table)
        if tenant is None or not index.unique or not index.columns or table.kind not in ("table", "partitioned"):
            continue
        if any(f'"{tenant}"' in f'"{key}"' for key in (*index.columns, *index.keys)):
            continue
        columns = [column for column in index.columns if column]
        if _is_key_of_row(columns, table) or _is_random(columns, table) or _leads_to_tenant(columns, table, context):
            continue
        listed = ", ".join(column or "…" for column in index.columns)
        yield Hit(
            f"unique key {index.name} of {table} tells one tenant about the values of another",
            at=index.origin,
            object=str(table),
            hint=f"unique ({tenant}, {listed})",
            severity=_severity(index),
        )


def _is_key_of_row(columns: list[str], table: Table) -> bool:
    return bool(table.primary_key) and set(table.primary_key) <= set(columns)


def _is_random(columns: list[str], table: Table) -> bool:
    return any(
        not _RANDOM.isdisjoint(re.split(r"_+", column.lower())) or _is_generated(table.columns.get(column))
        for column in columns
    )


def _is_generated(column: Column | None) -> bool:
    return column is not None and (column.identity or "FuncCall" in column.default)


def _leads_to_tenant(columns: list[str], table: Table, context: Context) -> bool:
    """Whether one of the columns is a reference to a row that belongs to a single tenant."""
    for key in table.foreign_keys():
        parent = context.state.tables.get(key.target) if key.target else None
        shared = parent is not None and parent.known and context.tenants.column(parent) is None
        if len(columns) > 1 and not shared and set(key.columns) & set(columns):
            return True
    return False


def _severity(index: Index) -> Severity | None:
    """An undeclared reference in a key of several columns may well pin the tenant."""
    maybe = len(index.columns) > 1 and any(column and column.endswith("_id") for column in index.columns)
    return Severity.NOTE if maybe else None

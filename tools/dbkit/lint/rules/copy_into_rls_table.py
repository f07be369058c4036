"""COPY FROM into a table with forced row level security.

## What it does
Reports COPY … FROM into a table whose row level security is enabled and forced.

## Why is this bad?
COPY FROM is not supported under row level security: it fails with 0A000 for every role the policies hold for, the owner
of a forced table included. Only a role that bypasses them can run it, past every WITH CHECK.

## Example
```sql
copy app.accounts (tenant_id, id, email) from '/srv/accounts.csv';
```

## Use instead
```sql
create temporary table accounts_import (tenant_id uuid, id uuid, email text);
copy accounts_import from '/srv/accounts.csv';
insert into app.accounts (tenant_id, id, email) select tenant_id, id, email from accounts_import;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, EVERYWHERE, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L016",
    severity=Severity.WARNING,
    lock="fails 0A000 for every role the policies hold for",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
)


@rule.on("CopyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    table = context.state.find(node["relation"]) if node.get("is_from") and "relation" in node else None
    if table is not None and table.rls_enabled and table.rls_forced:
        yield Hit(
            f"copy into {table} fails: its row level security is forced",
            at=statement.start,
            object=str(table),
            hint="Copy into a temporary table, then insert … select.",
        )

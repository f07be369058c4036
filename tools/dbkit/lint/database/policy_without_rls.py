"""Policies on a table whose row level security is off.

## What it does
Reports a table that has policies and no row level security.

## Why is this bad?
The policies do nothing; whoever reads them believes otherwise.

## Example
```sql
create policy members on app.notes using (tenant_id = (select app.current_tenant()));
```

## Use instead
```sql
alter table app.notes enable row level security;
alter table app.notes force row level security;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.policy_without_rls import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        if table.policies and not table.row_security:
            yield Defect(
                table.key,
                f"{table.key} has policies, but its row level security is off",
                hint=f"alter table {table.key} enable row level security; alter table {table.key} force row level"
                " security;",
            )

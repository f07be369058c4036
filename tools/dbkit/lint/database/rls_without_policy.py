"""Row level security without a policy.

## What it does
Reports a table with row level security and no policy. Tables declared internal are left alone.

## Why is this bad?
Nobody but superusers and owners sees a row: the application finds the table empty.

## Example
```sql
alter table app.notes enable row level security;
```

## Use instead
```sql
create policy tenant_members on app.notes for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.rls_without_policy import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        internal = (table.schema, table.name) in database.tenants.internal
        if table.row_security and not table.policies and not table.is_partition and not internal:
            yield Defect(
                table.key,
                f"row level security on {table.key} has no policy, so nobody sees a row",
                hint="Create a policy for each role and command that needs the table, or declare it internal under"
                " [tenancy].",
            )

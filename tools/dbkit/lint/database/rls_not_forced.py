"""Row level security that does not hold for the table's owner.

## What it does
Reports a table with row level security enabled and not forced.

## Why is this bad?
The owner, and every SECURITY DEFINER function and view it owns, reads past the policies.

## Example
```sql
alter table app.notes enable row level security;
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
from dbkit.lint.rules.rls_not_forced import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        if table.row_security and not table.force_row_security:
            yield Defect(
                table.key,
                f"row level security on {table.key} is not forced on its owner",
                detail=f"{table.owner} owns it.",
                hint=f"alter table {table.key} force row level security;",
            )

"""View over a row-secured table that reads as its owner.

## What it does
Reports a view without security_invoker that reads a table with row level security, directly or through other views,
and that a role other than its owner may read.

## Why is this bad?
A view reads its tables with its owner's rights and under the owner's policies, not the caller's. For an owner that
row security does not hold, every caller sees every tenant.

## Example
```sql
create view app.account_list as select id, email from app.accounts;
```

## Use instead
```sql
create view app.account_list with (security_invoker = true) as select id, email from app.accounts;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.catalog import View
from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.view_bypasses_rls import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for view in database.snapshot.views.values():
        if view.kind != "view" or view.security_invoker or all(grant.grantee == view.owner for grant in view.acl):
            continue
        table = _secured_table(view, database, {view.key})
        if table is not None:
            yield Defect(
                view.key,
                f"view {view.key} reads {table} as its owner, past the caller's policies",
                hint=f"alter view {view.key} set (security_invoker = true);",
            )


def _secured_table(view: View, database: Live, seen: set[str]) -> str | None:
    """A row-secured table the view reaches; an inner view with security_invoker is invoked by this view's owner."""
    for key in view.reads:
        table, inner = database.snapshot.tables.get(key), database.snapshot.views.get(key)
        if table is not None and table.row_security:
            return key
        if inner is not None and key not in seen:
            found = _secured_table(inner, database, seen | {key})
            if found is not None:
                return found
    return None

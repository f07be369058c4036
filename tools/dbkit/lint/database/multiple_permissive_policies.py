"""Several permissive policies for the same command and role.

## What it does
Reports permissive policies of one table that hold for the same command and a common role.

## Why is this bad?
They are ORed: each adds rows, none narrows, and each is evaluated for every row.

## Example
```sql
create policy own on app.notes for select to app_user using (user_id = (select app.user_id()));
create policy tenant on app.notes for select to app_user using (tenant_id = (select app.tenant()));
```

## Use instead
```sql
create policy readable on app.notes for select to app_user
    using (tenant_id = (select app.tenant()) or user_id = (select app.user_id()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.catalog import PUBLIC, Policy
from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.multiple_permissive_policies import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for table in database.snapshot.tables.values():
        seen: list[Policy] = []
        for policy in table.policies.values():
            if not policy.permissive:
                continue
            other = next((one for one in seen if _share_command(policy, one) and _share_role(policy, one)), None)
            seen.append(policy)
            if other is not None:
                yield Defect(
                    table.key,
                    f"policy {policy.name} on {table.key} is ORed with {other.name}",
                    hint="Make one policy of the two, or write as restrictive where it shall narrow.",
                )


def _share_command(one: Policy, other: Policy) -> bool:
    return "all" in (one.command, other.command) or one.command == other.command


def _share_role(one: Policy, other: Policy) -> bool:
    return PUBLIC in (*one.roles, *other.roles) or not set(one.roles).isdisjoint(other.roles)

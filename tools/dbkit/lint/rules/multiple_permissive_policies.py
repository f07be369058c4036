"""Several permissive policies for one table, command and role.

## What it does
Reports a permissive policy where an earlier one applies to the same command and role. ALL overlaps with every command,
PUBLIC with every role.

## Why is this bad?
Permissive policies are ORed. A second one meant to narrow ("only rows that are not deleted") widens: what either lets
through is seen. And every query evaluates both.

## Example
```sql
create policy not_deleted on app.accounts for select to app_user using (email is not null);
```

## Use instead
```sql
create policy not_deleted on app.accounts as restrictive for select to app_user using (email is not null);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Policy
from dbkit.lint.policies import policies_here
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L021", severity=Severity.WARNING, lock="none; ORed, each evaluated")


@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    for table, policy in policies_here(context):
        if not policy.permissive:
            continue
        before = list(table.policies.values())
        for other in before[: before.index(policy)]:
            if other.permissive and _share_command(policy, other) and _share_role(policy, other):
                yield Hit(
                    f"policy {policy.name} on {table} is ORed with {other.name}",
                    at=policy.origin,
                    object=str(table),
                    hint="Make one policy of the two, or write as restrictive where it shall narrow.",
                )
                break


def _share_command(one: Policy, other: Policy) -> bool:
    return "all" in (one.command, other.command) or one.command == other.command


def _share_role(one: Policy, other: Policy) -> bool:
    both = {*one.roles, *other.roles}
    return "public" in both or len(both) < len(set(one.roles)) + len(set(other.roles))

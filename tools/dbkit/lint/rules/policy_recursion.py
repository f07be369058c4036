"""Policy that reads its own table.

## What it does
Reports a policy whose subquery reads the table it guards, directly or through the policies of the tables it reads,
where those apply to the same roles.

## Why is this bad?
Reading the table asks the policy, which reads the table: every query fails with 42P17, "infinite recursion detected in
policy". CREATE POLICY does not notice.

## Example
```sql
create policy colleagues on app.accounts as restrictive for select to app_user
    using (tenant_id in (select a.tenant_id from app.accounts a));
```

## Use instead
```sql
-- app.current_tenant() is SECURITY DEFINER or reads the context only
create policy colleagues on app.accounts as restrictive for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Key, Policy, Table
from dbkit.lint.policies import policies_here
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.state import State
from dbkit.report import Severity

rule = Rule(code="L045", severity=Severity.ERROR, lock="fails 42P17 at every query")


@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    for table, policy in policies_here(context):
        through = (
            _cycle(policy, table.key, (table.key,), frozenset(policy.roles), context.state) if policy.reads else None
        )
        if through is not None:
            by = "" if len(through) == 1 else f" through {', '.join('.'.join(key) for key in through[1:])}"
            yield Hit(
                f"policy {policy.name} on {table} reads {table} itself{by}",
                at=policy.origin,
                object=str(table),
                hint="Ask a SECURITY DEFINER function whose owner has a policy of its own, or the context.",
            )


def _cycle(
    policy: Policy, guarded: Key, path: tuple[Key, ...], roles: frozenset[str], state: State
) -> tuple[Key, ...] | None:
    """The tables on the way back to the guarded one, or None."""
    for key in policy.reads:
        table = state.tables.get(key)
        reading = [item for item in _reading(table, roles) if item.has_sublink] if table else []
        # The rewriter gives up at a table it is already expanding when the policies there hold any subquery.
        if key == guarded and reading:
            return path
        if key in path or not (table and table.rls_enabled):
            continue
        for further in reading:
            found = _cycle(further, guarded, (*path, key), roles, state)
            if found is not None:
                return found
    return None


def _reading(table: Table, roles: frozenset[str]) -> Iterator[Policy]:
    for policy in table.policies.values():
        both = roles & set(policy.roles) or "public" in roles or "public" in policy.roles
        if policy.command in ("all", "select") and both:
            yield policy

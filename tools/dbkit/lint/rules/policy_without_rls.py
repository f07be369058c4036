"""Policy on a table whose row level security was never enabled.

## What it does
Reports a policy that a file creates or alters on a table without ENABLE ROW LEVEL SECURITY when the file (or the
declared tree) is through. A table that no file creates is left alone: it may have been enabled by hand.

## Why is this bad?
PostgreSQL accepts the policy and never asks it. The file reads as if the table were guarded, and every role with a
grant sees every row.

## Example
```sql
create policy readers on app.docs for select to app_user using (body is not null);
```

## Use instead
```sql
alter table app.docs enable row level security;
alter table app.docs force row level security;
create policy readers on app.docs for select to app_user using (body is not null);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.policies import policies_here
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="C102", severity=Severity.ERROR)


@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    for table, policy in policies_here(context):
        if table.known and not table.rls_enabled:
            yield Hit(
                f"policy {policy.name} does nothing: row level security on {table} is not enabled",
                at=policy.origin,
                object=str(table),
                hint=f"alter table {table} enable row level security; alter table {table} force row level security;",
            )

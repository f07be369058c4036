"""Row level security is enabled on a table that has no policy.

## What it does
Reports a table that has row level security and not one policy, or RESTRICTIVE ones only, when the migration that
touched its security (or the declared tree) is through. Tables declared internal are meant to be closed, except in the
house profile, where the owner's own pass is a policy, too.

## Why is this bad?
Every row is hidden from everybody but owner and superuser: the application sees an empty table and no error. A
RESTRICTIVE policy allows nothing by itself; it narrows what a permissive one allows.

## Example
```sql
alter table app.docs enable row level security;
alter table app.docs force row level security;
```

## Use instead
```sql
alter table app.docs enable row level security;
alter table app.docs force row level security;
create policy tenant_members on app.docs for select to app_user
    using (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L016", severity=Severity.ERROR)


@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    for table in context.secured_here():
        if table.rls_enabled and not any(policy.permissive for policy in table.policies.values()):
            # The policy may have been dropped here and the security switched on long ago.
            here = table.rls_origin is not None and table.rls_origin.file is context.file
            yield Hit(
                f"row level security on {table} has {'only restrictive policies' if table.policies else 'no policy'}, "
                "so nobody sees a row",
                at=table.rls_origin if here and table.rls_origin else context.secured_at(table),
                object=str(table),
                hint="Create a policy for each role and command that needs the table, in the same migration.",
                convention=table.key in context.tenants.internal,
            )

"""A policy is dropped and made again outside one transaction.

## What it does
Reports DROP POLICY in a section without a transaction.

## Why is this bad?
Between the two statements the table has no policy: without another permissive one nobody sees a row, and without the
restrictive one everybody sees too many. A failure in between leaves it so.

## Example
```sql
-- migrate:up transaction:false
drop policy members_all on app.accounts;
create policy members_all on app.accounts for all to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()));
```

## Use instead
```sql
-- migrate:up
drop policy members_all on app.accounts;
create policy members_all on app.accounts for all to app_user
    using (tenant_id = (select app.current_tenant()))
    with check (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C058", severity=Severity.WARNING, lock="a moment without the policy", files=frozenset({MIGRATION}))


@rule.on("DropStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if statement.node["removeType"] == "OBJECT_POLICY" and not context.in_transaction and not context.file.bare:
        yield Hit(
            "the table is without this policy until the next statement commits",
            at=statement.start,
            hint="Drop and create it in one transaction, or use alter policy.",
        )

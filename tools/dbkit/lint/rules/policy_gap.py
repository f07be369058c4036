"""A policy is dropped and made again outside one transaction.

## What it does
Reports DROP POLICY outside of a transaction, or in one that commits before the table gets its next policy.

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
from dbkit.lint.sections import ends_transaction
from dbkit.lint.trees import dropped_names, range_var
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C058", severity=Severity.WARNING, lock="a moment without the policy", files=frozenset({MIGRATION}))


@rule.on("DropStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if statement.node["removeType"] != "OBJECT_POLICY" or context.file.bare:
        return
    if not context.in_transaction or _is_made_after_commit(statement, context):
        yield Hit(
            "the table is without this policy until the next statement commits",
            at=statement.start,
            hint="Drop and create it in one transaction, or use alter policy.",
        )


def _is_made_after_commit(statement: Statement, context: Context) -> bool:
    """Whether the next policy of the table comes in a later transaction of the file."""
    tables = {context.state.key(range_var(parts[:-1])) for parts in dropped_names(statement.node)}
    committed = False
    for following in context.file.script.statements:
        if following.start > statement.start:
            committed |= ends_transaction(following)
            if following.tag == "CreatePolicyStmt" and context.state.key(following.node["table"]) in tables:
                return committed
    return False

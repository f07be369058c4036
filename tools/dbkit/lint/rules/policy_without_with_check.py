"""Policy for writing without WITH CHECK.

## What it does
Reports an INSERT policy without WITH CHECK. In the house profile also an UPDATE or ALL policy that has USING only.

## Why is this bad?
An INSERT policy without WITH CHECK has no condition at all and so allows no row. An UPDATE or ALL policy borrows its
USING for the new row: that is safe today and wrong as soon as somebody widens USING (say, to show archived rows) and
thereby widens what may be written.

## Example
```sql
create policy members_insert on app.docs for insert to app_user;
```

## Use instead
```sql
create policy members_insert on app.docs for insert to app_user
    with check (tenant_id = (select app.current_tenant()));
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L017", severity=Severity.ERROR)


@rule.on("CreatePolicyStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    command = node.get("cmd_name", "all")
    if command not in ("all", "insert", "update") or "with_check" in node:
        return
    table = context.state.name(node["table"])
    name = node["policy_name"]
    if command == "insert":
        message = f"insert policy {name} on {table} has no with check, so it allows no row"
    else:
        message = f"{command} policy {name} on {table} has no with check of its own"
    yield Hit(
        message,
        at=statement.start,
        object=table,
        hint="Add with check (…) with the condition the new row must meet.",
        convention=command != "insert",
    )

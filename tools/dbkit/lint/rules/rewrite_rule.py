"""Rewrite rule.

## What it does
Reports CREATE RULE.

## Why is this bad?
A rule rewrites the query, not the row: volatile expressions run twice, RETURNING and row counts lie, COPY passes it
by, and it runs with the rights of the table's owner, past the caller's row security.

## Example
```sql
create rule keep_docs as on delete to app.docs do instead nothing;
```

## Use instead
```sql
revoke delete on app.docs from app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C081", severity=Severity.WARNING, lock="ACCESS EXCLUSIVE on the table")


@rule.on("RuleStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    table = context.state.name(statement.node["relation"])
    yield Hit(
        f"rule {statement.node['rulename']} rewrites queries on {table}",
        at=statement.start,
        object=table,
        hint="Use a trigger, a privilege or a view.",
    )

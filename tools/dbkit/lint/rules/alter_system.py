"""ALTER SYSTEM in a migration.

## What it does
Reports ALTER SYSTEM.

## Why is this bad?
It changes the configuration of the whole server, every database of it, and not of its replicas; managed servers
refuse it.

## Example
```sql
-- migrate:up transaction:false
alter system set work_mem = '1GB';
```

## Use instead
```sql
-- migrate:up
alter role app_user set work_mem = '64MB';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C165", severity=Severity.ERROR, lock="every database of the server", files=frozenset({MIGRATION}))


@rule.on("AlterSystemStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    name = statement.node["setstmt"].get("name", "all")
    yield Hit(
        f"alter system changes {name} for every database of the server",
        at=statement.start,
        object=name,
        hint="Set it for the role or the database, or in the server's own configuration.",
    )

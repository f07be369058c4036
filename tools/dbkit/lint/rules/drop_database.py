"""DROP DATABASE in a migration.

## What it does
Reports DROP DATABASE.

## Why is this bad?
A migration is run wherever the code goes; a database of that name on another server is somebody else's.

## Example
```sql
-- migrate:up transaction:false
drop database reports;
```

## Use instead
```sql
-- migrate:up
comment on schema app is 'the database reports goes by hand';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C045", severity=Severity.ERROR, lock="every connection and row of that database", files=frozenset({MIGRATION})
)


@rule.on("DropdbStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    yield Hit(
        f"database {statement.node['dbname']} is dropped",
        at=statement.start,
        object=statement.node["dbname"],
        hint="Drop databases by hand.",
    )

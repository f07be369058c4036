r"""psql command in a migration.

## What it does
Reports a backslash command of psql in a migration.

## Why is this bad?
Only psql knows it. A runner that sends the file to the server fails on it, and what it was meant to do (another file,
a variable, a connection) does not happen.

## Example
```sql
\set tenant 1
comment on schema app is 'x';
```

## Use instead
```sql
comment on schema app is 'x';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C163", severity=Severity.WARNING, lock="runs in psql only", files=frozenset({MIGRATION}))


@rule.on("psql")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    command = statement.text.split()[0]
    yield Hit(
        f"{command} is a command of psql, not SQL",
        at=statement.start,
        object=command,
        hint="Write it in SQL: a DO block, a setting, or a file of its own.",
    )

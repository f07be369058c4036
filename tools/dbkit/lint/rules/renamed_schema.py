"""A schema that running code uses is renamed.

## What it does
Reports ALTER SCHEMA … RENAME of a schema that the same migration did not create.

## Why is this bad?
Every qualified name and every search_path that names it is wrong from this moment: in running code, in function
bodies, in SET clauses of functions and roles.

## Example
```sql
alter schema app rename to application;
```

## Use instead
```sql
create schema application;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C050", severity=Severity.ERROR, lock="breaks every qualified reference", files=frozenset({MIGRATION}))


@rule.on("RenameStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node["renameType"] == "OBJECT_SCHEMA" and context.state.schemas.get(node["subname"]) is not context.file:
        yield Hit(
            f"schema {node['subname']} gets another name under running code",
            at=statement.start,
            object=node["subname"],
            hint="Create the new schema and move what is used, one object at a time.",
        )

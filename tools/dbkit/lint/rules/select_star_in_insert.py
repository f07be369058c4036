"""INSERT … SELECT * copies columns by position.

## What it does
Reports an INSERT that takes all columns of a table or view with `*`, also in function bodies.

## Why is this bad?
The day a column is added to one of the two tables, or stands in another place in one database, the statement fails or
fills the wrong columns.

## Example
```sql
insert into app.docs select * from app.docs_import;
```

## Use instead
```sql
insert into app.docs (id, body) select id, body from app.docs_import;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import starred_relations
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L049", severity=Severity.WARNING, files=EVERYWHERE, bodies=frozenset({DO, FUNCTION}))


@rule.on("InsertStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    table = context.state.name(statement.node["relation"])
    for source in starred_relations(statement.node.get("selectStmt", {}).get("SelectStmt", {})):
        yield Hit(
            f"insert into {table} takes the columns of {context.state.name(source)} by position",
            at=statement.start,
            object=table,
            hint="List the columns on both sides.",
        )

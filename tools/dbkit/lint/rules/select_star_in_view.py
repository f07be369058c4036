"""SELECT * in a view.

## What it does
Reports a view or materialized view that takes all columns of a table or view with `*`.

## Why is this bad?
The columns are fixed when the view is made: a column added to the table later is missing, and when the view is made
again it appears, whatever it holds, for everybody who may read the view.

## Example
```sql
create view app.all_docs with (security_invoker = true) as
    select * from app.docs;
```

## Use instead
```sql
create view app.all_docs with (security_invoker = true) as
    select id, body from app.docs;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import starred_relations
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L049", severity=Severity.WARNING)


@rule.on("ViewStmt", "CreateTableAsStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if statement.tag == "CreateTableAsStmt" and node["objtype"] != "OBJECT_MATVIEW":
        return
    view = context.state.name(node["view"] if "view" in node else node["into"]["rel"])
    for source in starred_relations(node.get("query", {}).get("SelectStmt", {})):
        yield Hit(
            f"view {view} takes all columns of {context.state.name(source)}",
            at=statement.start,
            object=view,
            hint="List the columns.",
        )

"""REFRESH MATERIALIZED VIEW without CONCURRENTLY.

## What it does
Reports REFRESH MATERIALIZED VIEW without CONCURRENTLY, also in function bodies, of a view that the same file did not
create. WITH NO DATA empties it and is left alone.

## Why is this bad?
Every reader waits until the query behind the view has run to its end.

## Example
```sql
refresh materialized view app.totals;
```

## Use instead
```sql
-- the view has a unique index
refresh materialized view concurrently app.totals;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L041",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE on the materialized view",
    work="build",
    files=EVERYWHERE,
    bodies=frozenset({DO, FUNCTION}),
)


@rule.on("RefreshMatViewStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node.get("concurrent") or node.get("skipData"):
        return
    if context.body is None and context.state.is_new(node["relation"], context.file):
        return
    view = context.state.name(node["relation"])
    yield Hit(
        f"readers of {view} wait while it is refreshed",
        at=statement.start,
        object=view,
        hint="Give it a unique index and write refresh materialized view concurrently.",
    )

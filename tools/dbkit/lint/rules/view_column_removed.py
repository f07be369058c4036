"""CREATE OR REPLACE VIEW without a column the view has.

## What it does
Reports CREATE OR REPLACE VIEW whose column list does not begin with the columns the view has already, in their order.

## Why is this bad?
PostgreSQL only lets columns be added at the end (42P16), and refuses on a database that has the old view while one
without it is content.

## Example
```sql
create or replace view app.doc_list with (security_invoker = true) as select body from app.docs;
```

## Use instead
```sql
create or replace view app.doc_list with (security_invoker = true) as select id, body from app.docs;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, selected_columns
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C057", severity=Severity.ERROR, lock="fails 42P16", files=frozenset({MIGRATION}))


@rule.on("ViewStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    old = context.state.views.get(context.state.key(node["view"]))
    if not node.get("replace") or old is None or old.columns is None:
        return
    new = tuple(names(node.get("aliases", ()))) or selected_columns(node.get("query", {}).get("SelectStmt", {}))
    if new is None or new[: len(old.columns)] == old.columns:
        return
    view = context.state.name(node["view"])
    gone = [column for column in old.columns if column not in new]
    what = f"loses {', '.join(gone)}" if gone else "has its columns in another order"
    yield Hit(
        f"view {view} {what}, which create or replace refuses",
        at=statement.start,
        object=view,
        hint="Keep the columns and add new ones at the end, or drop the view and create it again.",
    )

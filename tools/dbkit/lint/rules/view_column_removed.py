"""CREATE OR REPLACE VIEW without a column the view has.

## What it does
Reports CREATE OR REPLACE VIEW whose column list does not begin with the columns the view has already, in their
order and with their types.

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
from dbkit.lint.state import State
from dbkit.lint.trees import SERIALS, names, selected_columns, type_modifiers, type_name
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C057", severity=Severity.ERROR, lock="fails 42P16", files=frozenset({MIGRATION}))


@rule.on("ViewStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    old = context.state.views.get(context.state.key(node["view"]))
    if not node.get("replace") or old is None or old.columns is None:
        return
    query = node.get("query", {}).get("SelectStmt", {})
    new = tuple(names(node.get("aliases", ()))) or selected_columns(query)
    if new is None:
        return
    gone = [column for column in old.columns if column not in new]
    changed = [
        column
        for column, before, after in zip(
            old.columns, _types(old.query, context.state), _types(query, context.state), strict=False
        )
        if before and after and before != after
    ]
    if gone:
        what = f"loses {', '.join(gone)}"
    elif new[: len(old.columns)] != old.columns:
        what = "has its columns in another order"
    elif changed:
        what = f"gives {', '.join(changed)} another type"
    else:
        return
    view = context.state.name(node["view"])
    yield Hit(
        f"view {view} {what}, which create or replace refuses",
        at=statement.start,
        object=view,
        hint="Keep the columns and add new ones at the end, or drop the view and create it again.",
    )


def _types(select: Node, state: State) -> list[tuple[str, tuple[int, ...]] | None]:
    """Type and modifiers of each column of a query: of casts and of plain columns of known tables, else None."""
    sources = {
        item["RangeVar"].get("alias", {}).get("aliasname", item["RangeVar"]["relname"]): state.find(item["RangeVar"])
        for item in select.get("fromClause", ())
        if "RangeVar" in item
    }
    lone = len(select.get("fromClause", ())) == len(sources) == 1
    found: list[tuple[str, tuple[int, ...]] | None] = []
    for item in select.get("targetList", ()):
        value = item["ResTarget"].get("val", {})
        if "TypeCast" in value:
            kind = type_name(value["TypeCast"]["typeName"]).rpartition(".")[2]
            # Of a column it is not kept whether its type is an array.
            found.append((kind, type_modifiers(value["TypeCast"])) if not kind.endswith("[]") else None)
            continue
        parts = names(value.get("ColumnRef", {}).get("fields", ()))
        source = sources.get(parts[-2]) if len(parts) > 1 else next(iter(sources.values())) if lone else None
        column = source.columns.get(parts[-1]) if source is not None and parts else None
        plain = column is not None and column.type and column.type not in SERIALS
        found.append((column.type.rpartition(".")[2], column.modifiers) if column is not None and plain else None)
    return found

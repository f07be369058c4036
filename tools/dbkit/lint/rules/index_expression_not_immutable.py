"""Index over an expression that is not immutable.

## What it does
Reports an index whose expression or predicate calls the clock, the session, a function known not to be IMMUTABLE, or
turns a timestamptz into a date, a local time or text.

## Why is this bad?
CREATE INDEX fails with 42P17. A wrapper that is declared IMMUTABLE only hides it: `where scheduled_at <= now()` means
the moment each row was written, so the index misses rows.

## Example
```sql
-- migrate:up transaction:false
create index concurrently lines_due_idx on app.lines (id) where at <= now();
```

## Use instead
```sql
-- migrate:up transaction:false
create index concurrently lines_due_idx on app.lines (at, id);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import Table
from dbkit.lint.policies import column_of
from dbkit.lint.routines import unstable_call, zone_dependent
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, walk
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="L025", severity=Severity.ERROR, lock="fails 42P17")

_STABLE = frozenset({"to_char", "to_date", "concat", "concat_ws", "format", "array_to_string", "age"})


@rule.on("IndexStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    elements = [item["IndexElem"] for item in node.get("indexParams", ())]
    tree = [*(item["expr"] for item in elements if "expr" in item), node.get("whereClause", {})]
    table = context.state.find(node["relation"])
    found = unstable_call({"Index": tree}, context.state) or _stable_call(tree, table)
    if found:
        name, place = found
        yield Hit(
            f"index {node.get('idxname', 'without a name')} depends on {name}, which is not immutable",
            at=statement.offset(place),
            object=node.get("idxname"),
            hint="Index the column itself, and compare in the query.",
        )


def _stable_call(tree: list[Node], table: Table | None) -> tuple[str, Node] | None:
    for tag, node in walk(tree):
        if tag == "FuncCall" and names(node["funcname"])[-1] in _STABLE:
            return f"{names(node['funcname'])[-1]}()", node
    return zone_dependent(tree, lambda expression: _is_timestamptz(expression, table), by_label=True)


def _is_timestamptz(expression: Node, table: Table | None) -> bool:
    column = table.columns.get(column_of(expression) or "") if table else None
    return column is not None and column.type == "timestamptz"

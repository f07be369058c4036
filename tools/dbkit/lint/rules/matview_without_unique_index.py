"""Materialized view without a unique index.

## What it does
Reports a materialized view that has no unique index over plain columns and all rows when the whole history or tree has
been read.

## Why is this bad?
REFRESH … CONCURRENTLY needs one. Without it each refresh locks every reader out until the query has run.

## Example
```sql
create materialized view app.totals as
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
```

## Use instead
```sql
create materialized view app.totals as
    select tenant_id, count(*) as orders from app.orders group by tenant_id;
create unique index totals_key on app.totals (tenant_id);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L041", severity=Severity.WARNING, lock="ACCESS EXCLUSIVE at every refresh")


@rule.concluded_with("tables")
def check(context: Context) -> Iterator[Hit]:
    for view in context.made_here():
        if view.kind != "matview":
            continue
        if not any(
            index.unique and index.predicate is None and None not in index.columns for index in view.indexes.values()
        ):
            yield Hit(
                f"materialized view {view} has no unique index, so refreshing it locks readers out",
                at=view.origin,
                object=str(view),
                hint=f"create unique index on {view} (…);",
            )

"""CREATE INDEX CONCURRENTLY on a partitioned table.

## What it does
Reports CREATE and REINDEX … CONCURRENTLY on a partitioned table.

## Why is this bad?
PostgreSQL refuses it (0A000), so the migration fails whenever it is run.

## Example
```sql
-- migrate:up transaction:false
create index concurrently events_account_idx on app.events (account_id);
```

## Use instead
```sql
-- migrate:up transaction:false
create index events_account_idx on only app.events (tenant_id, account_id);
create index concurrently events_2026_account_idx on app.events_2026 (tenant_id, account_id);
alter index app.events_account_idx attach partition app.events_2026_account_idx;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C036", severity=Severity.ERROR, lock="fails 0A000", files=frozenset({MIGRATION}))


@rule.on("IndexStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    table = context.state.find(statement.node["relation"])
    if statement.node.get("concurrent") and table is not None and table.kind == "partitioned":
        yield Hit(
            f"{table} is partitioned, where no index can be built concurrently",
            at=statement.start,
            object=str(table),
            hint="Create it on only the parent, concurrently on each partition, then attach the partitions' indexes.",
        )

"""UNLOGGED table.

## What it does
Reports CREATE UNLOGGED TABLE unless the table, by its name, is a cache, a limiter, statistics or a staging table.

## Why is this bad?
After a crash the table is empty, and a replica never has it. Only what can be made again may live there.

## Example
```sql
create unlogged table app.notes (
    id bigint primary key
);
```

## Use instead
```sql
create table app.notes (
    id bigint primary key
);
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import label
from dbkit.lint.rule import HOUSE, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L044", severity=Severity.ERROR, set=HOUSE, lock="none; empty after a crash", triggers=("unlogged",))

_REBUILT = frozenset(
    {"cache", "caches", "cached", "limit", "limits", "limiter", "buckets", "rate", "stats", "statistics", "counters"}
    | {"staging", "import"}
)


@rule.on("CreateStmt", "CreateTableAsStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node.get("relation") or statement.node["into"]["rel"]
    words = re.split(r"_+", relation["relname"])
    if relation.get("relpersistence") == "u" and _REBUILT.isdisjoint(words):
        name = label(context.state.new_key(relation))
        yield Hit(
            f"{name} is empty after a crash",
            at=statement.start,
            object=name,
            hint="Leave unlogged out.",
        )

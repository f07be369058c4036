"""REINDEX without CONCURRENTLY.

## What it does
Reports REINDEX without CONCURRENTLY.

## Why is this bad?
Writes to the table wait until every index is rebuilt, and so does every query that would use the index.

## Example
```sql
-- migrate:up
reindex table app.orders;
```

## Use instead
```sql
-- migrate:up transaction:false
reindex table concurrently app.orders;
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.fix import concurrently
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import true_option
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C004",
    severity=Severity.WARNING,
    lock="SHARE on the table, ACCESS EXCLUSIVE on each index",
    work="build",
    files=frozenset({MIGRATION}),
    fix="reindex concurrently, in a section without a transaction",
)


@rule.on("ReindexStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if true_option(node.get("params", ()), "concurrently"):
        return
    if "relation" in node and context.state.is_new(node["relation"], context.file):
        return
    yield Hit(
        "reindex blocks writes until the index is rebuilt",
        at=statement.start,
        hint="Write reindex … concurrently, in a file whose section says: -- migrate:up transaction:false",
        fix=partial(concurrently, statement, context.section),
    )

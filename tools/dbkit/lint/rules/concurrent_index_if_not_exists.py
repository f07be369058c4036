"""IF NOT EXISTS hides a half-built index.

## What it does
Reports CREATE INDEX CONCURRENTLY IF NOT EXISTS, unless DROP INDEX CONCURRENTLY IF EXISTS of that index stands before
it.

## Why is this bad?
A concurrent build that fails leaves an INVALID index of that name. Run again, the statement finds a name and does
nothing: the migration counts as applied and no query uses the index, which every write pays for.

## Example
```sql
-- migrate:up transaction:false
create index concurrently if not exists docs_body_idx on app.docs (body);
```

## Use instead
```sql
-- migrate:up transaction:false
drop index concurrently if exists app.docs_body_idx;
create index concurrently docs_body_idx on app.docs (body);
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.fix import without_if_not_exists
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import dropped_names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C035",
    severity=Severity.WARNING,
    lock="none; hides a half-built index",
    files=frozenset({MIGRATION}),
    fix="no if not exists",
)


@rule.on("IndexStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    name = node.get("idxname")
    if not (node.get("concurrent") and node.get("if_not_exists") and name):
        return
    for earlier in context.file.script.statements:
        if earlier.start >= statement.start:
            break
        drops_index = earlier.tag == "DropStmt" and earlier.node["removeType"] == "OBJECT_INDEX"
        if drops_index and any(parts[-1] == name for parts in dropped_names(earlier.node)):
            return
    yield Hit(
        f"index {name} stays as it is when an earlier build of it failed",
        at=statement.start,
        object=context.state.name(node["relation"]),
        hint=f"Write drop index concurrently if exists {name}; before it, and leave if not exists out.",
        fix=partial(without_if_not_exists, statement),
    )

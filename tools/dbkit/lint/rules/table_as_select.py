"""CREATE TABLE AS and SELECT INTO.

## What it does
Reports a permanent table made by CREATE TABLE AS or SELECT INTO.

## Why is this bad?
Rows and types are copied; keys, NOT NULL, defaults, indexes, grants and row security are not. The copy of a tenant
table lies open to everybody who may read it.

## Example
```sql
create table app.docs_backup as select id, body from app.docs;
```

## Use instead
```sql
create table app.docs_backup (
    id   bigint primary key,
    body text
);
insert into app.docs_backup (id, body) select id, body from app.docs where id < 100;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C086", severity=Severity.WARNING, bodies=frozenset({DO}))


@rule.on("CreateTableAsStmt", "SelectStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    target = node.get("into", node.get("intoClause"))
    inside_a_block = context.body is not None and statement.tag == "SelectStmt"  # select … into a variable
    if target is None or inside_a_block or node.get("objtype") == "OBJECT_MATVIEW":
        return
    if target["rel"].get("relpersistence") != "t":
        table = context.state.name(target["rel"])
        yield Hit(
            f"table {table} is copied without keys, constraints and row security",
            at=statement.start,
            object=table,
            hint="Create the table, guard it, then insert the rows.",
        )

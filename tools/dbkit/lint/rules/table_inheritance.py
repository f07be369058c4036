"""Table inheritance.

## What it does
Reports CREATE TABLE … INHERITS and ALTER TABLE … INHERIT. Declarative partitions are another thing.

## Why is this bad?
Keys, foreign keys, indexes, triggers, policies and grants are not inherited: a row of the child is unguarded where
the parent's is not, and one id may exist in both.

## Example
```sql
create table app.special_docs (
    extra text,
    primary key (id)
) inherits (app.docs);
```

## Use instead
```sql
create table app.special_docs (
    doc_id bigint primary key references app.docs (id),
    extra  text
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import label
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C082", severity=Severity.WARNING)


@rule.on("CreateStmt")
@rule.on_alter("AT_AddInherit")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    inherits = "inhRelations" in node and "partbound" not in node
    if inherits or any(command["subtype"] == "AT_AddInherit" for command in commands(node)):
        creates = statement.tag == "CreateStmt"
        table = label((context.state.new_key if creates else context.state.key)(node["relation"]))
        yield Hit(
            f"table {table} inherits, which leaves keys, policies and grants behind",
            at=statement.start,
            object=table,
            hint="Partition the table, or reference the other one by a key.",
        )

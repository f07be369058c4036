"""DROP INDEX after the column it stood on is gone.

## What it does
Reports DROP INDEX without IF EXISTS of an index on a column that the same section drops before it, in the way up and in
the way back.

## Why is this bad?
An index goes with its column: the DROP INDEX fails with 42704, and in a way back it fails on the day it is needed.

## Example
```sql
alter table app.orders drop column account_id;
drop index app.orders_account_id_idx;
```

## Use instead
```sql
drop index app.orders_account_id_idx;
alter table app.orders drop column account_id;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Key
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands, dropped_names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L046", severity=Severity.ERROR, lock="fails 42704", files=frozenset({MIGRATION}))


@rule.on("DropStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    yield from _judge(statement, context.effects.lost_indexes)


@rule.settled_after("DropStmt")
def check_way_back(context: Context) -> Iterator[Hit]:
    if not any(section.name == "down" for section in context.file.sections):
        return
    lost: set[Key] = set()
    for statement in context.file.script.statements:
        if context.file.section_at(statement.start).name != "down":
            continue
        if statement.tag == "AlterTableStmt":
            table = context.state.find(statement.node["relation"])
            gone = {item.get("name") for item in commands(statement.node) if item["subtype"] == "AT_DropColumn"}
            for index in table.indexes.values() if table and gone else ():
                if table and gone & set(index.columns):
                    lost.add((table.key[0], index.name))
        else:
            yield from _judge(statement, lost)


def _judge(statement: Statement, lost: set[Key]) -> Iterator[Hit]:
    node = statement.node
    if statement.tag != "DropStmt" or node["removeType"] != "OBJECT_INDEX" or node.get("missing_ok") or not lost:
        return
    for parts in dropped_names(node):
        found = [key for key in lost if key[1] == parts[-1] and (len(parts) == 1 or key[0] == parts[-2])]
        if found:
            yield Hit(
                f"index {parts[-1]} is gone already, with its column",
                at=statement.start,
                object=parts[-1],
                hint="Drop the index first, or write drop index if exists.",
            )

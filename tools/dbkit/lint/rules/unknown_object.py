"""A table that no earlier file creates.

## What it does
Reports ALTER TABLE, CREATE INDEX, CREATE POLICY, CREATE TRIGGER and DROP TABLE of a table in a schema whose creation
was seen, where no file before it created the table. Where a name of that spelling stands anywhere in an earlier file
(in a DO block, say) the rule says nothing.

## Why is this bad?
The migration fails with 42P01 on a database built from these files: a slip of the pen, a file in the wrong order, or
a table somebody made by hand in one database.

## Example
```sql
create schema shop;
create table shop.items (
    id bigint primary key
);
alter table shop.item add column name text;
```

## Use instead
```sql
create schema shop;
create table shop.items (
    id bigint primary key
);
alter table shop.items add column name text;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.mentions import is_named_before
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import dropped_names, range_var
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C168", severity=Severity.ERROR, lock="fails 42P01", files=frozenset({MIGRATION}))

_RELATIONS = {
    "AlterTableStmt": "relation",
    "IndexStmt": "relation",
    "CreatePolicyStmt": "table",
    "CreateTrigStmt": "relation",
}


@rule.on(*_RELATIONS, "DropStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node.get("missing_ok"):
        return
    if statement.tag == "DropStmt":
        if node["removeType"] != "OBJECT_TABLE":
            return
        relations = [range_var(parts) for parts in dropped_names(node)]
    else:
        relations = [node[_RELATIONS[statement.tag]]]
    for relation in relations:
        if _is_unknown(relation, statement, context):
            name = context.state.name(relation)
            from difflib import get_close_matches

            close = get_close_matches(relation["relname"], _tables_of(relation, context), n=1)
            yield Hit(
                f"no file before this creates {name}",
                at=statement.offset(relation),
                object=name,
                hint=f"Did you mean {relation['schemaname']}.{close[0]}?" if close else None,
            )


def _is_unknown(relation: Node, statement: Statement, context: Context) -> bool:
    if relation.get("schemaname") not in context.state.schemas:
        return False
    key = context.state.key(relation)
    table = context.state.tables.get(key)
    if key in context.state.views or (table is not None and table.known):
        return False
    if key in context.state.index_keys():  # alter table names indexes, too
        return False
    name = relation["relname"]
    here = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", context.file.text[: statement.start])
    return here is None and not is_named_before(name, context)


def _tables_of(relation: Node, context: Context) -> list[str]:
    return [name for schema, name in context.state.tables if schema == relation["schemaname"]]

"""SET LOGGED, UNLOGGED, TABLESPACE or ACCESS METHOD rewrites the table.

## What it does
Reports SET UNLOGGED, SET LOGGED, SET TABLESPACE and SET ACCESS METHOD on a table that the same migration did not
create.

## Why is this bad?
Table and indexes are written anew under ACCESS EXCLUSIVE. An unlogged table is empty after a crash and on every
replica.

## Example
```sql
alter table app.docs set unlogged;
```

## Use instead
```sql
create unlogged table app.doc_scratch (
    id bigint primary key
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C023",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE and a rewrite",
    work="rewrite",
    files=frozenset({MIGRATION}),
)

_REWRITING = {
    "AT_SetUnLogged": "set unlogged",
    "AT_SetLogged": "set logged",
    "AT_SetTableSpace": "set tablespace",
    "AT_SetAccessMethod": "set access method",
}


@rule.on_alter("AT_SetUnLogged", "AT_SetLogged", "AT_SetTableSpace", "AT_SetAccessMethod")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if context.state.is_new(relation, context.file):
        return
    table = context.state.name(relation)
    for command in commands(statement.node):
        if command["subtype"] in _REWRITING:
            yield Hit(
                f"{table} is written anew: {_REWRITING[command['subtype']]}",
                at=statement.start,
                object=table,
                hint="Make a new table of that kind and move the rows in batches.",
            )

"""DROP TABLE in a migration.

## What it does
Reports DROP TABLE of a table that the same migration did not create. A file with a line `-- dbkit: destructive` and
the reason behind it says that the expand step went before.

## Why is this bad?
The release that is still running reads the table, and the rows are gone for good. ACCESS EXCLUSIVE is also taken on
every table a foreign key joins it with.

## Example
```sql
drop table app.docs;
```

## Use instead
```sql
-- dbkit: destructive nothing has read app.docs since release 41, see 20260301090000_alter_table_docs_unused
drop table app.docs;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.names_in_text import is_named_before
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import dropped_names, range_var
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L013",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE on the table and every foreign key partner; data loss",
    files=frozenset({MIGRATION}),
)


@rule.on("DropStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if statement.node["removeType"] not in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE") or context.file.destructive:
        return
    for parts in dropped_names(statement.node):
        relation = range_var(parts)
        # `drop table if exists` before a create table: nothing before this file made one of that name.
        absent = statement.node.get("missing_ok") and _is_absent(relation, context)
        if not absent and not context.state.is_new(relation, context.file):
            table = context.state.name(relation)
            yield Hit(
                f"table {table} is dropped with its rows",
                at=statement.start,
                object=table,
                hint="Stop using it in one release, drop it in a later one, and say so: -- dbkit: destructive <why>.",
            )


def _is_absent(relation: Node, context: Context) -> bool:
    """Whether a schema whose creation was seen has no table of that name, and no text before speaks of one."""
    schema, name = relation.get("schemaname"), relation["relname"]
    if schema not in context.state.schemas or context.state.key(relation) in context.state.tables:
        return False
    return not is_named_before(name, context)

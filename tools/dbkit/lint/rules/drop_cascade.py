"""DROP … CASCADE drops what nobody named.

## What it does
Reports CASCADE on DROP, DROP COLUMN, DROP CONSTRAINT and DROP OWNED in a migration.

## Why is this bad?
Which views, functions, foreign keys and policies go depends on the database it runs in, not on the file; a policy
that names the column is gone without a word.

## Example
```sql
alter table app.docs drop constraint docs_pkey cascade;
```

## Use instead
```sql
alter table app.orders drop constraint orders_doc_id_fkey;
alter table app.docs drop constraint docs_pkey;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands, dropped_names, range_var
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C044",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE on unknown dependents",
    files=frozenset({MIGRATION}),
    triggers=("cascade",),
)


@rule.on("DropStmt", "AlterTableStmt", "DropOwnedStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if statement.tag == "AlterTableStmt":
        # ADD ATTRIBUTE … CASCADE and the like reach typed tables and drop nothing.
        cascades = any(
            command.get("behavior") == "DROP_CASCADE" and command["subtype"].startswith("AT_Drop")
            for command in commands(node)
        )
    else:
        cascades = node.get("behavior") == "DROP_CASCADE"
    if not cascades:
        return
    if node.get("removeType") == "OBJECT_TABLE":
        dropped = [range_var(parts) for parts in dropped_names(node)]
        if all(context.state.is_new(relation, context.file) for relation in dropped):
            return
    yield Hit(
        "cascade drops objects the file does not name",
        at=statement.start,
        hint="Drop the dependents by name first; without cascade PostgreSQL lists them.",
    )

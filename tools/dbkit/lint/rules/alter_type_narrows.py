"""ALTER COLUMN TYPE to a narrower type.

## What it does
Reports ALTER COLUMN … TYPE to a type that cannot hold every value of the old one: a smaller varchar limit, bigint to
integer, numeric with fewer digits. The table is one that the same migration did not create.

## Why is this bad?
Table and indexes are written anew under ACCESS EXCLUSIVE, and the first row that does not fit makes the migration
fail, on live data and not in the test.

## Example
```sql
alter table app.lines alter column note type varchar(10);
```

## Use instead
```sql
alter table app.lines add constraint lines_note_length check (length(note) <= 10) not valid;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.rules.alter_type_rewrites import is_narrower
from dbkit.lint.trees import column_type, commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C018",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE and a rewrite; may fail on data",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AlterColumnType")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    table = context.state.find(relation)
    if table is None or context.state.is_new(relation, context.file):
        return
    for command in commands(statement.node):
        old = table.columns.get(command.get("name", ""))
        if command["subtype"] != "AT_AlterColumnType" or old is None:
            continue
        definition = command["def"]["ColumnDef"]
        if is_narrower(old, definition):
            yield Hit(
                f"values of {old.name} in {table} may not fit into {column_type(definition)}",
                at=statement.start,
                object=str(table),
                hint="Add a check not valid, mend the rows, validate it.",
            )

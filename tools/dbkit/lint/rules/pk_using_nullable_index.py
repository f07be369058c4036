"""PRIMARY KEY USING INDEX on a nullable column.

## What it does
Reports ADD PRIMARY KEY USING INDEX where a column of the index is not known to be NOT NULL.

## Why is this bad?
PostgreSQL sets it NOT NULL then and there, and reads the whole table under ACCESS EXCLUSIVE to see whether it may.

## Example
```sql
alter table app.pages add constraint pages_pkey primary key using index pages_id_key;
```

## Use instead
```sql
-- migrate:up transaction:false
alter table app.pages add constraint pages_id_set check (id is not null) not valid;
alter table app.pages validate constraint pages_id_set;
alter table app.pages alter column id set not null;
alter table app.pages add constraint pages_pkey primary key using index pages_id_key;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import added_constraints
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C021",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE and a full scan",
    work="scan",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AddConstraint")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    table = context.state.find(relation)
    if table is None or context.state.is_new(relation, context.file):
        return
    for constraint in added_constraints(statement.node):
        index = table.indexes.get(constraint.get("indexname", ""))
        if constraint["contype"] != "CONSTR_PRIMARY" or index is None:
            continue
        nullable = [name for name in index.columns if name in table.columns and not table.columns[name].not_null]
        if nullable:
            yield Hit(
                f"every row of {table} is read to see that {', '.join(map(str, nullable))} is set",
                at=statement.offset(constraint),
                object=str(table),
                hint="First add a check (… is not null) not valid, validate it, and set the column not null.",
            )

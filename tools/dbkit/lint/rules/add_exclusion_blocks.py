"""ADD EXCLUDE builds its index under lock.

## What it does
Reports an exclusion constraint on a table that the same migration did not create.

## Why is this bad?
It can be neither NOT VALID nor built concurrently: the index is built while ACCESS EXCLUSIVE keeps everybody out.

## Example
```sql
alter table app.docs add constraint docs_body_excl exclude using btree (body with =);
```

## Use instead
```sql
-- in the migration that creates the table, or in a maintenance window:
-- dbkit: allow add_exclusion_blocks because app.docs has a thousand rows
alter table app.docs add constraint docs_body_excl exclude using btree (body with =);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C022",
    severity=Severity.WARNING,
    lock="ACCESS EXCLUSIVE while the index is built",
    work="build",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AddConstraint", "AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, offset in context.built_constraints(statement, "CONSTR_EXCLUSION"):
        yield Hit(
            f"exclusion constraint builds its index while nobody can use {table}",
            at=offset,
            object=table,
            hint="Add it while the table is new or small, or check with a trigger.",
        )

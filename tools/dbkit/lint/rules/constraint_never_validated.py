"""A NOT VALID constraint that is never validated.

## What it does
Reports a constraint added NOT VALID that no migration validates: a warning when later migrations of the series do not,
a note when the file is the last.

## Why is this bad?
Rows from before the constraint may break it: the planner does not trust it, SET NOT NULL and ATTACH PARTITION scan as
if it were not there, and the update of an old row fails on a column nobody touched.

## Example
```sql
alter table app.docs add constraint docs_body_present check (body is not null) not valid;
```

## Use instead
```sql
-- migrate:up transaction:false
alter table app.docs add constraint docs_body_present check (body is not null) not valid;
alter table app.docs validate constraint docs_body_present;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L012", severity=Severity.WARNING, files=frozenset({MIGRATION}))


@rule.concluded_with("constraints")
def check(context: Context) -> Iterator[Hit]:
    last = context.series.files[-1] is context.file
    for table, constraint in context.constraints_here():
        if not constraint.valid and constraint.kind in ("check", "foreign"):
            yield Hit(
                f"{constraint.name} of {table} is not validated yet"
                if last
                else f"no later migration validates {constraint.name} of {table}",
                at=constraint.origin,
                object=str(table),
                hint=f"alter table {table} validate constraint {constraint.name};",
                severity=Severity.NOTE if last else None,
            )

"""ADD UNIQUE builds its index under lock.

## What it does
Reports ADD CONSTRAINT … UNIQUE, and ADD COLUMN … UNIQUE, without USING INDEX on a table that the same migration did
not create.

## Why is this bad?
The index is built while ACCESS EXCLUSIVE keeps everybody out. Built concurrently, the constraint takes it over in an
instant.

## Example
```sql
alter table app.docs add constraint docs_body_key unique (body);
```

## Use instead
```sql
-- migrate:up transaction:false
create unique index concurrently docs_body_key on app.docs (body);
alter table app.docs add constraint docs_body_key unique using index docs_body_key;
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
    code="C019",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE while the index is built",
    work="build",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AddConstraint", "AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, offset in context.built_constraints(statement, "CONSTR_UNIQUE"):
        yield Hit(
            f"unique constraint builds its index while nobody can use {table}",
            at=offset,
            object=table,
            hint="Build a unique index concurrently, then add constraint … unique using index.",
        )

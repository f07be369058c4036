"""The values a CHECK allows become fewer while rows may hold the others.

## What it does
Reports a migration that replaces a check of the form `column in (…)` by one that leaves values out, without an UPDATE
or DELETE of the table before it and without a `-- Dependencies:` that names a migration.

## Why is this bad?
One row with an old value, and the migration fails under its lock; NOT VALID lets the row stay, and the next update of
it, of any column, is refused.

## Example
```sql
alter table app.docs add constraint docs_body_check check (body in ('new', 'paid', 'void')) not valid;
alter table app.docs drop constraint docs_body_check;
alter table app.docs add constraint docs_body_check check (body in ('new', 'paid')) not valid;
```

## Use instead
```sql
alter table app.docs add constraint docs_body_check check (body in ('new', 'paid', 'void')) not valid;
update app.docs set body = 'paid' where body = 'void';
alter table app.docs drop constraint docs_body_check;
alter table app.docs add constraint docs_body_check check (body in ('new', 'paid')) not valid;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Table
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.value_lists import value_list
from dbkit.report import Severity

rule = Rule(
    code="L035", severity=Severity.WARNING, lock="fails 23514 on a row with an old value", files=frozenset({MIGRATION})
)

_DEPENDENCIES = re.compile(r"^--\s*Dependencies:[ \t]*(?!none\b)\S", re.IGNORECASE | re.MULTILINE)


@rule.settled_with("dropped_constraints")
def check(context: Context) -> Iterator[Hit]:
    if _DEPENDENCIES.search(context.file.text):
        return
    for table, constraint in context.constraints_here():
        new = value_list(constraint)
        for other, dropped in context.effects.dropped_constraints if new else ():
            old = value_list(dropped)
            gone = sorted(old[1] - new[1]) if new and old and other is table and old[0] == new[0] else []
            if gone and not _is_cleaned(table, constraint.origin.statement, context):
                yield Hit(
                    f"{table}.{old[0] if old else ''} no longer allows {', '.join(gone)}, and rows may hold it",
                    at=constraint.origin,
                    object=str(table),
                    hint="Change those rows first, here or in a migration that -- Dependencies: names.",
                )


def _is_cleaned(table: Table, until: int, context: Context) -> bool:
    return any(
        statement.tag in ("UpdateStmt", "DeleteStmt")
        and statement.start < until
        and context.state.key(statement.node["relation"]) == table.key
        for statement in context.file.script.statements
    )

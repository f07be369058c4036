"""Row level security is enabled but not forced.

## What it does
Reports a table on which a file enables row level security, and which has no FORCE ROW LEVEL SECURITY when the file
(or the declared tree) is through.

## Why is this bad?
The table's owner skips every policy unless row security is forced. Applications often connect as the owner, and
SECURITY DEFINER functions run as it: one of them without a tenant filter reads every tenant.

## Example
```sql
alter table app.docs enable row level security;
```

## Use instead
```sql
alter table app.docs enable row level security;
alter table app.docs force row level security;
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.fix import Fix, force_row_security
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L016", severity=Severity.ERROR, fix="force row level security behind the enable")


@rule.settled_with("secured")
def check(context: Context) -> Iterator[Hit]:
    for table in context.secured_here():
        if table.rls_enabled and not table.rls_forced and table.rls_origin and table.rls_origin.file is context.file:
            yield Hit(
                f"row level security on {table} is not forced",
                at=table.rls_origin,
                object=str(table),
                hint=f"alter table {table} force row level security;",
                fix=partial(_fix, table.rls_origin.statement, context),
            )


def _fix(start: int, context: Context) -> Fix | None:
    """ENABLE and FORCE in one statement."""
    enabling = [item for item in context.file.script.statements if item.start == start]
    return force_row_security(enabling[0]) if enabling and enabling[0].tag == "AlterTableStmt" else None

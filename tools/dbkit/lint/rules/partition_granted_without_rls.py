"""Partition with tenants' rows is granted by itself.

## What it does
Reports a GRANT to an application role on a partition that has a tenant column and no row level security of its own when
the file is through, also by ON ALL TABLES IN SCHEMA.

## Why is this bad?
The policies of the partitioned table hold for queries through it only. A query of the partition by its own name asks
the partition's policies: without any it shows the rows of all tenants.

## Example
```sql
create table app.events_2030 partition of app.events for values from ('2030-01-01') to ('2031-01-01');
grant select on app.events_2030 to app_user;
```

## Use instead
```sql
create table app.events_2030 partition of app.events for values from ('2030-01-01') to ('2031-01-01');
grant select on app.events to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.grants import GRANTS, grant_of, granted_tables, grantees
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L016", severity=Severity.WARNING, lock="none; cross-tenant read")


@rule.settled_after(*GRANTS)
def check(context: Context) -> Iterator[Hit]:
    for statement in context.file.script.statements:
        grant = grant_of(statement) if statement.tag in GRANTS else None
        if grant is None or context.file.section_at(statement.start).name != "up":
            continue
        roles = [role for role in grantees(grant) if not context.tenants.is_trusted(role)]
        for table in granted_tables(grant, context) if roles else ():
            if table.kind == "partition" and not table.rls_enabled and context.tenants.column(table):
                yield Hit(
                    f"partition {table} shows the rows of all tenants to {', '.join(roles)}",
                    at=statement.start,
                    object=str(table),
                    hint="Grant the partitioned table only, or enable and force row level security on the partition.",
                )
                break

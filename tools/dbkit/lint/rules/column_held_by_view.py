"""Column dropped or given another type while a view, a policy, a trigger or an SQL function reads it.

## What it does
Reports ALTER COLUMN … TYPE, and DROP COLUMN without CASCADE, of a column that is read by a view, a materialized view,
a row security policy, a trigger (UPDATE OF, WHEN), or a function with a body of SQL (`return …`, `begin atomic`). Only
readers the files show are known, and a name that could be another table's column is left alone.

## Why is this bad?
PostgreSQL resolved these when they were created. It refuses the new type with 0A000, even a longer varchar, and the
drop with 2BP01; a policy of the table itself refuses as well.

## Example
```sql
alter table app.docs alter column body type varchar(4000);
```

## Use instead
```sql
drop view app.doc_list;
alter table app.docs alter column body type varchar(4000);
create view app.doc_list with (security_invoker = true) as select id, body from app.docs;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.dependents import holders
from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C057", severity=Severity.ERROR, lock="fails 0A000, 2BP01", files=frozenset({MIGRATION}))

_SHOWN = 3  # holders named in a message


@rule.on_alter("AT_AlterColumnType", "AT_DropColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    table = context.state.find(statement.node["relation"])
    if table is None:
        return
    for command in commands(statement.node):
        is_dropped = command["subtype"] == "AT_DropColumn"
        if not (is_dropped or command["subtype"] == "AT_AlterColumnType"):
            continue
        if is_dropped and command.get("behavior") == "DROP_CASCADE":
            continue
        found = list(holders(table, command["name"], context.state))
        if found:
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            what = "cannot be dropped" if is_dropped else "cannot be given another type"
            yield Hit(
                f"column {command['name']} of {table} {what}: held by {', '.join(found[:_SHOWN])}{more}",
                at=statement.start,
                object=str(table),
                hint="Drop what reads it before, and create it again behind.",
            )

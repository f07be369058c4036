"""DISABLE or NO FORCE ROW LEVEL SECURITY.

## What it does
Reports ALTER TABLE … DISABLE ROW LEVEL SECURITY and NO FORCE ROW LEVEL SECURITY, also inside DO blocks. The way back
of a migration may undo what its up section did.

## Why is this bad?
Every tenant's rows are open to every role with a grant on the table (DISABLE), or to its owner and every definer
function (NO FORCE), from that moment on. "Only for the backfill" is open for the length of the backfill, and for good
when it fails half-way in a file without a transaction.

## Example
```sql
alter table app.accounts disable row level security;
```

## Use instead
```sql
create policy system_all on app.accounts for all to app_owner using (true) with check (true);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, EVERYWHERE, Hit, Rule
from dbkit.lint.trees import commands
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L024",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE, instant",
    files=EVERYWHERE,
    bodies=frozenset({DO}),
    triggers=("disable", "force"),
)

_MESSAGES = {
    "AT_DisableRowSecurity": "row level security of {table} is switched off",
    "AT_NoForceRowSecurity": "row level security of {table} is no longer forced on its owner",
}


@rule.on_alter("AT_DisableRowSecurity", "AT_NoForceRowSecurity")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for command in commands(statement.node):
        message = _MESSAGES.get(command["subtype"])
        if message is not None:
            table = context.state.name(statement.node["relation"])
            yield Hit(
                message.format(table=table),
                at=statement.start,
                object=table,
                hint="Let the role that must see every row pass by a policy of its own.",
            )

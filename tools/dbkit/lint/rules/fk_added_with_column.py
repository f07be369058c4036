"""ADD COLUMN … REFERENCES also locks the referenced table.

## What it does
Reports ADD COLUMN with a foreign key, on a table and to a table that the same migration did not create.

## Why is this bad?
The statement holds ACCESS EXCLUSIVE on the table and waits for SHARE ROW EXCLUSIVE on the other: whoever writes to
either waits for both, and two such migrations can deadlock. As a statement of its own, NOT VALID, the foreign key can
have its own lock_timeout and be tried again.

## Example
```sql
alter table app.docs add column account_tenant uuid references app.tenants (id);
```

## Use instead
```sql
alter table app.docs add column account_tenant uuid;
-- in a migration of its own:
alter table app.docs add constraint docs_tenant_fkey foreign key (account_tenant) references app.tenants (id) not valid;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import constraints_of
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C170",
    severity=Severity.WARNING,
    lock="SHARE ROW EXCLUSIVE on the referenced table, too",
    files=frozenset({MIGRATION}),
)


@rule.on_alter("AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for table, column in context.added_columns(statement):
        for constraint in constraints_of(column):
            if constraint["contype"] != "CONSTR_FOREIGN":
                continue
            if not context.state.is_new(constraint["pktable"], context.file):
                target = context.state.name(constraint["pktable"])
                yield Hit(
                    f"column {column['colname']} is added with a lock on {target}",
                    at=statement.offset(column),
                    object=table,
                    hint="Add the column, then the foreign key not valid in a migration of its own.",
                )

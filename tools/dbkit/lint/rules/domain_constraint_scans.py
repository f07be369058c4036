"""ALTER DOMAIN ADD CONSTRAINT scans every table that uses the domain.

## What it does
Reports ALTER DOMAIN … ADD CONSTRAINT (and SET NOT NULL) without NOT VALID for a domain that the same migration did
not create.

## Why is this bad?
Every column of the domain is read, in every table, while the tables are locked against writers.

## Example
```sql
alter domain app.email add constraint email_at check (value like '%@%');
```

## Use instead
```sql
alter domain app.email add constraint email_at check (value like '%@%') not valid;
-- in a later migration:
-- alter domain app.email validate constraint email_at;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C033",
    severity=Severity.WARNING,
    lock="SHARE on every table that uses the domain, during a full scan",
    work="scan",
    files=frozenset({MIGRATION}),
)


@rule.on("AlterDomainStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    parts = names(node["typeName"])
    if context.state.types.get(context.state.object_key(parts)) is context.file:
        return
    constraint = node.get("def", {}).get("Constraint", {})
    adds = node["subtype"] == "C" and not constraint.get("skip_validation")
    if adds or node["subtype"] == "O":  # O: set not null
        yield Hit(
            f"every column of domain {'.'.join(parts)} is read under lock",
            at=statement.start,
            object=".".join(parts),
            hint="Add the constraint not valid and validate it in a later migration.",
        )

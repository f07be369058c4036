"""Domain with a constraint.

## What it does
Notes CREATE DOMAIN with a CHECK or NOT NULL.

## Why is this bad?
To change it later every column of the domain, in every table, is read under lock; a CHECK of the table changes one
table.

## Example
```sql
create domain app.slug as text check (value ~ '^[a-z-]+$');
```

## Use instead
```sql
create domain app.slug as text;
-- and in each table: check (slug ~ '^[a-z-]+$')
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C034", severity=Severity.NOTE, lock="none now; every later change scans")

_KINDS = ("CONSTR_CHECK", "CONSTR_NOTNULL")


@rule.on("CreateDomainStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    constraints = [item["Constraint"] for item in statement.node.get("constraints", ())]
    if any(constraint["contype"] in _KINDS for constraint in constraints):
        name = ".".join(names(statement.node["domainname"]))
        yield Hit(
            f"domain {name} carries a constraint, which is hard to change",
            at=statement.start,
            object=name,
            hint="Put the check on the tables, or be sure that it stays.",
        )

"""Constraint that was added NOT VALID and never validated.

## What it does
Reports a CHECK, foreign key or (PostgreSQL 18) NOT NULL constraint that is not validated. Constraints that are NOT
ENFORCED are left alone.

## Why is this bad?
Old rows may break it; the planner does not trust it; a dump restores it only as NOT VALID.

## Example
```sql
alter table app.orders add constraint total_positive check (total > 0) not valid;
```

## Use instead
```sql
alter table app.orders validate constraint total_positive;  -- SHARE UPDATE EXCLUSIVE: reads and writes go on
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.constraint_never_validated import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    holders = [(table.key, "table", table.constraints) for table in database.snapshot.tables.values()]
    holders += [(domain.key, "domain", domain.constraints) for domain in database.snapshot.domains.values()]
    for key, kind, constraints in holders:
        for constraint in constraints.values():
            if not constraint.validated and constraint.enforced and not constraint.inherited:
                yield Defect(
                    key,
                    f"{constraint.kind} constraint {constraint.name} on {key} was never validated",
                    hint=f'alter {kind} {key} validate constraint "{constraint.name}";',
                )

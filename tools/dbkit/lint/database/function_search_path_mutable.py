"""Function that resolves names in its caller's search_path.

## What it does
Reports a PL/pgSQL or SQL function without SET search_path, other than SECURITY DEFINER ones (see
definer_without_search_path) and bodies that were resolved when they were created (`return …`, `begin atomic`). A
function in which every table is qualified is a note.

## Why is this bad?
Whoever creates an object of the same name earlier in the path is called in its place; the same function means
different tables in different sessions.

## Example
```sql
create function app.total() returns bigint language sql as 'select sum(total) from orders';
```

## Use instead
```sql
create function app.total() returns bigint language sql set search_path = pg_catalog, pg_temp
    as 'select sum(total) from app.orders';
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_bodies import is_bound, unqualified_table
from dbkit.lint.rules.function_search_path_mutable import rule
from dbkit.report import Severity

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for function in database.snapshot.functions.values():
        if function.language not in ("sql", "plpgsql") or function.security_definer or function.statement is None:
            continue
        if "search_path" in function.setting or is_bound(function):
            continue
        table = unqualified_table(function)
        yield Defect(
            function.key,
            f"function {function.key} resolves names in its caller's search_path",
            detail=f"It names {table} without a schema." if table else None,
            hint=f"alter {function.kind} {function.key} set search_path = pg_catalog, pg_temp; and qualify what it"
            " uses.",
            severity=None if table else Severity.NOTE,
        )

"""SECURITY DEFINER function without its own search_path.

## What it does
Reports a SECURITY DEFINER function or procedure without SET search_path.

## Why is this bad?
It runs with its owner's rights and its caller's search_path: a caller who can create a function or operator in any
schema of that path has it run as the owner.

## Example
```sql
create function app.grant_all() returns void language plpgsql security definer as $fn$ … $fn$;
```

## Use instead
```sql
create function app.grant_all() returns void language plpgsql security definer
    set search_path = pg_catalog, pg_temp as $fn$ … $fn$;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.live_bodies import is_bound
from dbkit.lint.rules.definer_without_search_path import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for function in database.snapshot.functions.values():
        if function.security_definer and "search_path" not in function.setting and not is_bound(function):
            yield Defect(
                function.key,
                f"definer function {function.key} has no search_path of its own",
                hint=f"alter {function.kind} {function.key} set search_path = pg_catalog, pg_temp; and qualify what it"
                " uses.",
            )

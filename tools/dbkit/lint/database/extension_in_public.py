"""Extension whose objects are in schema public.

## What it does
Reports an extension installed into public.

## Why is this bad?
Its functions stand among the application's, are reachable through an API that exposes public, and an object of the
same name stops its update.

## Example
```sql
create extension pg_trgm;
```

## Use instead
```sql
create extension pg_trgm with schema extensions;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.extension_in_public import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for extension in database.snapshot.extensions.values():
        if extension.schema == "public":
            yield Defect(
                extension.name,
                f"extension {extension.name} is in schema public",
                hint=f'create schema extensions; alter extension "{extension.name}" set schema extensions;'
                " Some extensions cannot be moved: drop and create them.",
            )

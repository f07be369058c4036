"""SECURITY DEFINER function without a search_path of its own.

## What it does
Reports a SECURITY DEFINER function that has no SET search_path when the file is through. Bodies in the SQL-standard
form (`return …`, `begin atomic`) are bound when they are created and are left alone.

## Why is this bad?
Names in the body are looked up along the caller's search_path, with the owner's rights. A caller who puts a table,
function or operator of their own in front runs their code as the owner.

## Example
```sql
create function app.order_count() returns bigint
    language sql stable security definer
    as 'select count(*) from app.orders';
revoke execute on function app.order_count() from public;
```

## Use instead
```sql
create function app.order_count() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.order_count() from public;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.routines import function_label, functions_here
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L023", severity=Severity.ERROR, lock="none; privilege escalation")


@rule.settled_with("functions")
def check(context: Context) -> Iterator[Hit]:
    for function in functions_here(context):
        if function.definer and function.search_path is None and not function.bound:
            name = function_label(function)
            yield Hit(
                f"security definer function {name} looks names up along the caller's search_path",
                at=function.origin,
                object=name,
                hint="Add: set search_path = pg_catalog, pg_temp",
            )

"""SECURITY DEFINER function that everybody may execute.

## What it does
Reports a SECURITY DEFINER function that PUBLIC may execute when the file is through: EXECUTE is granted to PUBLIC by
default. Trigger functions cannot be called and are left alone. ALTER DEFAULT PRIVILEGES counts when it is not limited
to a schema, where it cannot take the built-in default away.

## Why is this bad?
Every role that can connect, the reporting login included, runs the body with its owner's rights.

## Example
```sql
create function app.order_count() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
```

## Use instead
```sql
create function app.order_count() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as 'select count(*) from app.orders';
revoke execute on function app.order_count() from public;
grant execute on function app.order_count() to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.routines import function_label, functions_here
from dbkit.lint.rule import Hit, Rule
from dbkit.report import Severity

rule = Rule(code="L023", severity=Severity.ERROR, lock="none; privilege escalation")

_NOT_CALLABLE = ("trigger", "event_trigger")


@rule.settled_with("functions")
def check(context: Context) -> Iterator[Hit]:
    for function in functions_here(context):
        if not function.definer or not function.public or function.returns in _NOT_CALLABLE:
            continue
        if _revoked_in_a_block(context):
            continue
        name = function_label(function)
        yield Hit(
            f"security definer function {name} may be executed by everybody",
            at=function.origin,
            object=name,
            hint=f"revoke execute on function {name} from public;",
        )


def _revoked_in_a_block(context: Context) -> bool:
    """Whether a DO block of the file revokes something: for which functions cannot be told without running it."""
    if "revoke" not in context.file.text.lower():
        return False
    return any(item.tag == "DoStmt" and "revoke" in item.text.lower() for item in context.file.script.statements)

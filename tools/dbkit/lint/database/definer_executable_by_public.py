"""SECURITY DEFINER function that every role may call.

## What it does
Reports a SECURITY DEFINER function or procedure on which PUBLIC has EXECUTE, which is the default. Trigger functions
cannot be called and are left alone.

## Why is this bad?
Every login of the database, the most restricted too, does what the owner may do.

## Example
```sql
create function app.close_account(id uuid) returns void language sql security definer …;
```

## Use instead
```sql
revoke execute on function app.close_account(uuid) from public;
grant execute on function app.close_account(uuid) to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.catalog import PUBLIC
from dbkit.lint.live import Defect, Live
from dbkit.lint.rules.definer_executable_by_public import rule

__all__ = ["check", "rule"]


def check(database: Live) -> Iterator[Defect]:
    for function in database.snapshot.functions.values():
        if not function.security_definer or function.returns in ("trigger", "event_trigger"):
            continue
        if any(grant.grantee == PUBLIC and grant.privilege == "EXECUTE" for grant in function.acl):
            yield Defect(
                function.key,
                f"definer function {function.key} may be executed by PUBLIC",
                hint=f"revoke execute on {function.kind} {function.key} from public; and grant it to those who need"
                " it.",
            )

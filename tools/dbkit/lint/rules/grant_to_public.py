"""GRANT … TO PUBLIC.

## What it does
Reports a privilege granted to PUBLIC, default privileges included. USAGE on types, domains and languages, which PUBLIC
has anyway, is left alone.

## Why is this bad?
PUBLIC is every role there is and every role to come: the login somebody adds next year has the privilege without
anybody deciding so, and taking it back later breaks whoever relied on it.

## Example
```sql
grant select on app.docs to public;
```

## Use instead
```sql
grant select on app.docs to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.grants import GRANTS, grant_of, grantees, object_label
from dbkit.lint.rule import DO, EVERYWHERE, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L042", severity=Severity.ERROR, files=EVERYWHERE, bodies=frozenset({DO}), triggers=("public",))

_OPEN_ANYWAY = ("OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_LANGUAGE")


@rule.on(*GRANTS)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    grant = grant_of(statement)
    if grant is None or grant.get("objtype") in _OPEN_ANYWAY or "public" not in grantees(grant):
        return
    name = object_label(grant, context)
    yield Hit(
        f"{name} is granted to public, so to every role to come",
        at=statement.start,
        object=name,
        hint="Name the roles that need it.",
    )

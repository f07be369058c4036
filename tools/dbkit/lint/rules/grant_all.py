"""GRANT ALL on tables, schemas and databases.

## What it does
Reports GRANT ALL on tables, schemas and databases, also as a default privilege, to a role that is not, by its name, the
owner or acts for it. For other maintenance roles it is a note.

## Why is this bad?
ALL includes TRUNCATE, which no policy filters, TRIGGER, which runs the grantee's code as whoever writes, and
REFERENCES, which tells whether a key exists. On a schema it includes CREATE: what the grantee creates there is found by
every function whose search_path names the schema.

## Example
```sql
grant all on app.orders to app_user;
```

## Use instead
```sql
grant select, insert, update, delete on app.orders to app_user;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.grants import GRANTS, grant_of, grantees, object_label, privileges
from dbkit.lint.rule import DO, EVERYWHERE, Hit, Rule
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="L042", severity=Severity.ERROR, files=EVERYWHERE, bodies=frozenset({DO}))

# What ALL includes beside that which an application needs.
_GAINS = {
    "OBJECT_TABLE": "truncate, references and trigger",
    "OBJECT_SCHEMA": "create",
    "OBJECT_DATABASE": "create and temporary",
}


@rule.on(*GRANTS)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    grant = grant_of(statement)
    gains = _GAINS.get(grant.get("objtype", "")) if grant is not None else None
    if grant is None or gains is None or privileges(grant):
        return
    roles = [role for role in grantees(grant) if not context.tenants.is_owner(role)]
    if roles:
        name = object_label(grant, context)
        trusted = all(context.tenants.is_trusted(role) for role in roles)
        yield Hit(
            f"all on {name} gives {', '.join(roles)} {gains}, too",
            at=statement.start,
            object=name,
            hint="Grant what it needs: select, insert, update, delete; on a schema, usage.",
            severity=Severity.NOTE if trusted else None,
        )

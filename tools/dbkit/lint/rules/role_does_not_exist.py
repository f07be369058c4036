"""A role that no file creates.

## What it does
Reports a grant or policy for a role that no file before it creates or names, where files of the series create roles at
all: a warning where a known role is spelled nearly alike, else a note.

## Why is this bad?
The migration fails with 42704 on a database built from these files, or a slip of the pen gives the privilege to nobody
until somebody creates a role of that name.

## Example
```sql
create role app_reader nologin;
grant select on app.docs to app_raeder;
```

## Use instead
```sql
create role app_reader nologin;
grant select on app.docs to app_reader;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.names_in_text import is_named_before
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import role_name
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C168",
    severity=Severity.WARNING,
    lock="fails 42704",
    files=frozenset({MIGRATION}),
    bodies=frozenset(),  # a DO block asks what there is before it names it
)

_WORDS = ("role", "user", "group")
_CREATED = re.compile(r'\bcreate\s+(?:role|user|group)\s+"?([\w-]+)', re.IGNORECASE)


@rule.on("GrantStmt", "CreatePolicyStmt", "AlterPolicyStmt", "GrantRoleStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    for item in (*node.get("grantees", ()), *node.get("roles", ()), *node.get("grantee_roles", ())):
        role = item["RoleSpec"]
        name = role_name(role)
        if role["roletype"] != "ROLESPEC_CSTRING" or name.startswith(("pg_", "rds_", "azure_", "cloudsql")):
            continue
        known = _known_roles(context)
        if not known or name in known or is_named_before(name, context):
            continue
        from difflib import get_close_matches

        close = get_close_matches(name, known, n=1, cutoff=0.8)
        yield Hit(
            f"no file before this creates the role {name}",
            at=statement.offset(role),
            object=name,
            hint=f"Did you mean {close[0]}?" if close else None,
            severity=None if close else Severity.NOTE,
        )


def _known_roles(context: Context) -> frozenset[str]:
    """Roles the series creates up to here, also in DO blocks and dynamic statements."""
    known, files, place = context.state.roles, context.series.files, context.series.place[context.file]
    pending = []
    while place >= 0 and files[place] not in known:
        pending.append(files[place])
        place -= 1
    found = known[files[place]] if place >= 0 else frozenset()
    for file in reversed(pending):
        created = _CREATED.findall(file.text) if any(word in file.lower for word in _WORDS) else ()
        found = known[file] = found.union(created) if created else found
    return found

r"""Password of a role as a literal.

## What it does
Reports CREATE and ALTER ROLE with a password written into the file, hashed or not.

## Why is this bad?
It stays in the history of the repository for ever, in the server's log, in pg_stat_statements, and it is the same on
every server the file runs on. A hash can be attacked at leisure and, in md5 form, used as it is.

## Example
```sql
create role reporter login password 'tiger7!';
```

## Use instead
```sql
create role reporter login;
-- its password is set by hand: \password reporter
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import option, role_name
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L050",
    severity=Severity.ERROR,
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("password",),
)


@rule.on("CreateRoleStmt", "AlterRoleStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    password = option(node.get("options", ()), "password")
    secret = password.get("arg", {}).get("String", {}).get("sval") if password is not None else None
    if password is not None and secret and not _is_filled_in(statement, password):
        role = node["role"] if isinstance(node["role"], str) else role_name(node["role"])
        yield Hit(
            f"password of role {role} is in the file",
            at=statement.offset(password),
            object=role,
            hint="Create the role without one and set it by hand or from a secret store.",
        )


_PLACEHOLDER = re.compile(
    r"password\s+e?'(?:\$\{[^}']+\}|\{\{[^}']+\}\}|\$\([^)']+\)|%\(\w+\)s|%s|:\w+|\$\w+|@\w+@|__\w+__|<[^>']+>)'",
    re.IGNORECASE,
)


def _is_filled_in(statement: Statement, password: Node) -> bool:
    """Whether a placeholder stands for the password, which whoever runs the file replaces."""
    place = statement.offset(password)
    return _PLACEHOLDER.match(statement.script.text, place) is not None

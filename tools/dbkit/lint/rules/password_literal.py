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

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import option, role_name
from dbkit.parse import Statement
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
    if password is not None and password.get("arg", {}).get("String", {}).get("sval"):
        role = node["role"] if isinstance(node["role"], str) else role_name(node["role"])
        yield Hit(
            f"password of role {role} is in the file",
            at=statement.offset(password),
            object=role,
            hint="Create the role without one and set it by hand or from a secret store.",
        )

r"""Password of a role as a literal.

## What it does
Reports CREATE and ALTER ROLE, also as text that EXECUTE runs, CREATE USER MAPPING, and connections of a subscription
or of dblink, with a password written into the file, hashed or not. Placeholders such as ${NAME} are left alone.

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
from dbkit.lint.routines import body_of
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import constant, names, nodes, option, role_name
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


@rule.on("CreateUserMappingStmt", "AlterUserMappingStmt")
def check_mapping(statement: Statement, context: Context) -> Iterator[Hit]:
    password = option(statement.node.get("options", ()), "password")
    if password is not None and not _is_filled_in(statement, password):
        server = statement.node["servername"]
        yield Hit(
            f"password for server {server} is in the file",
            at=statement.offset(password),
            object=server,
            hint="Create the mapping by hand, or from a secret store.",
        )


@rule.on("CreateSubscriptionStmt", "AlterSubscriptionStmt")
def check_connection(statement: Statement, context: Context) -> Iterator[Hit]:
    if _IN_CONNECTION.search(statement.node.get("conninfo", "")):
        yield Hit(
            f"password for subscription {statement.node['subname']} is in the file",
            at=statement.start,
            object=statement.node["subname"],
            hint="Let the connection name a service or a password file (service=…, passfile=…).",
        )


@rule.on("SelectStmt")
def check_dblink(statement: Statement, context: Context) -> Iterator[Hit]:
    for tag, node in nodes(statement):
        function = (names(node.get("funcname", ())) or [""])[-1] if tag == "FuncCall" else ""
        given = [constant(argument) or "" for argument in node.get("args", ())] if function.startswith("dblink") else ()
        if any(map(_IN_CONNECTION.search, given)):
            yield Hit(
                f"password for {function}() is in the file",
                at=statement.offset(node),
                hint="Let the connection name a foreign server, a service or a password file.",
            )


# What stands for a password that comes from elsewhere begins with $, {, %, :, @ or <.
_IN_CONNECTION = re.compile(r"\bpassword\s*=\s*(?:'(?=[^'])|(?='))?[^\s'${%:@<_]", re.IGNORECASE)


@rule.on("DoStmt", "CreateFunctionStmt")
def check_dynamic(statement: Statement, context: Context) -> Iterator[Hit]:
    body = body_of(statement)
    for match in _EXECUTED.finditer(body.text) if body else ():
        yield Hit(
            "password of a role is in the file",
            at=body.offset + match.start(),  # type: ignore[union-attr]
            hint="Create the role without one and set it by hand or from a secret store.",
        )


# A literal inside a literal; with %L or %s in its place the password comes from elsewhere.
_EXECUTED = re.compile(r"\b(?:role|user)\s+[\w%\"]+\s[^;']*\bpassword\s+''(?!')[^'%$]+''", re.IGNORECASE)

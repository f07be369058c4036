"""A pipe inside a bracket class of a regular expression.

## What it does
Reports a CHECK whose regular expression has `|` between two characters or ranges of a bracket class: `[A-Z|a-z]`.

## Why is this bad?
Inside brackets the pipe is a character like any other, not "or": the check lets `a|b` pass.

## Example
```sql
alter table app.docs add constraint docs_body_check check (body ~ '^[A-Z|a-z]+$') not valid;
```

## Use instead
```sql
alter table app.docs add constraint docs_body_check check (body ~ '^[A-Za-z]+$') not valid;
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import constant, names, walk
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="L051",
    severity=Severity.WARNING,
    lock="none; lets a literal pipe pass",
    triggers=("|",),
    pattern=re.compile(r"\[[^\]\n]*\w\|\w"),
)

_MATCHES = ("~", "~*", "!~", "!~*")
_CLASS = re.compile(r"(?<!\\)\[\^?\]?[^\]]*\w\|\w[^\]]*\]")


@rule.on("CreateStmt", "AlterTableStmt", "CreateDomainStmt", "AlterDomainStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for tag, node in walk(statement.node):
        if tag != "A_Expr" or names(node.get("name", ()))[-1] not in _MATCHES:
            continue
        found = _CLASS.search(constant(node.get("rexpr")) or "")
        if found:
            yield Hit(
                f"{found.group()} also allows the character |",
                at=statement.offset(node.get("rexpr", {}).get("A_Const")),
                hint=f"Write {found.group().replace('|', '')}.",
            )

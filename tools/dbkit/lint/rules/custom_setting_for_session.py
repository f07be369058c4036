"""A custom setting is set for the whole session.

## What it does
Reports SET (not SET LOCAL) of a setting with a dot in its name, and set_config(…, false), also in function bodies.

## Why is this bad?
Behind a pooler the session goes on to the next request with the setting in it: another user's queries run as the tenant
that was set before.

## Example
```sql
select set_config('app.tenant_id', '00000000-0000-0000-0000-000000000001', false);
```

## Use instead
```sql
select set_config('app.tenant_id', '00000000-0000-0000-0000-000000000001', true);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import calls, constant
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C162",
    severity=Severity.WARNING,
    lock="none; the next user of the connection has it",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
)


@rule.on("VariableSetStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node["kind"] == "VAR_SET_VALUE" and "." in node.get("name", "") and not node.get("is_local"):
        yield _hit(node["name"], statement.start, "set local")


@rule.on("SelectStmt", "InsertStmt", "UpdateStmt")
def check_call(statement: Statement, context: Context) -> Iterator[Hit]:
    if "set_config" not in statement.text.lower():
        return
    for call in calls(statement, "set_config"):
        name, _, local = (constant(argument) for argument in [*call.get("args", ()), {}, {}, {}][:3])
        if name and "." in name and local in ("false", "f"):
            yield _hit(name, statement.offset(call), f"set_config('{name}', …, true) in the transaction of the request")


def _hit(name: str, at: int, instead: str) -> Hit:
    return Hit(f"{name} stays set for whoever gets the connection next", at=at, object=name, hint=f"Write {instead}.")

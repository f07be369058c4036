"""current_setting() of a custom setting without missing_ok.

## What it does
Reports `current_setting('app.x')` with one argument, or with `false`, where the setting's name has a dot
(PostgreSQL's own settings always exist). Policies, views, defaults, and the bodies of SQL and PL/pgSQL functions are
read; a body with an exception handler for it is left alone.

## Why is this bad?
A custom setting does not exist in a session that never set it: the call raises, so every query on the table fails
instead of finding nothing. The first connection after a pool restart shows it.

## Example
```sql
create policy members_read on app.docs for select to app_user
    using (tenant_id = (select current_setting('app.tenant_id')::uuid));
```

## Use instead
```sql
create policy members_read on app.docs for select to app_user
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.fix import safe_setting
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import calls, constant
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L022",
    severity=Severity.ERROR,
    lock="fails 42704 in a session that never set it",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("current_setting",),
    fix="nullif(current_setting('…', true), '')",
)

_HANDLER = re.compile(r"\bwhen\s+[\w\s']*\b(?:undefined_object|others|42704)\b", re.IGNORECASE)


@rule.on("*")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if context.body is not None and _HANDLER.search(context.body.text):
        return
    for call in calls(statement, "current_setting"):
        setting = constant(call["args"][0]) if call.get("args") else None
        if setting and "." in setting and not _missing_ok(call):
            yield Hit(
                f"current_setting('{setting}') raises in a session that never set it",
                at=statement.offset(call),
                object=setting,
                hint=f"nullif(current_setting('{setting}', true), '')",
                fix=partial(safe_setting, statement, call, context),
            )


def _missing_ok(call: Node) -> bool:
    arguments = call["args"]
    if len(arguments) < 2:
        return False
    second = arguments[1].get("NamedArgExpr", {}).get("arg", arguments[1])
    return constant(second) not in ("false", "f")

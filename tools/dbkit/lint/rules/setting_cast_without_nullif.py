"""current_setting() cast to another type without nullif.

## What it does
Reports a cast, to anything but a text type, directly on `current_setting()` of a custom setting. Function bodies are
read, too.

## Why is this bad?
Once a transaction has set a custom setting locally, the setting is the empty string for the rest of the session, not
NULL. `''::uuid` raises 22P02: every query of the next user of that pooled connection fails until a tenant is set.

## Example
```sql
create policy members_read on app.docs for select to app_user
    using (tenant_id = (select current_setting('app.tenant_id', true)::uuid));
```

## Use instead
```sql
create policy members_read on app.docs for select to app_user
    using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.fix import safe_setting
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import constant, names, walk
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L022",
    severity=Severity.ERROR,
    lock="fails 22P02 after a transaction-local setting has ended",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
    triggers=("current_setting",),
    fix="nullif(current_setting('…', true), '')",
)

_TEXT = frozenset({"text", "varchar", "bpchar", "name", "char"})


@rule.on("*")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    for tag, node in walk(statement.node):
        if tag != "TypeCast":
            continue
        target = names(node["typeName"]["names"])[-1]
        setting = _setting(node.get("arg", {}))
        # With one argument the call raises before the cast can: that is setting_without_missing_ok.
        if setting and "." in setting and target not in _TEXT:
            yield Hit(
                f"current_setting('{setting}') is cast to {target} and may be the empty string",
                at=statement.offset(node["arg"]["FuncCall"]),
                object=setting,
                hint=f"nullif(current_setting('{setting}', true), '')::{target}",
                fix=partial(safe_setting, statement, node["arg"]["FuncCall"], context),
            )


def _setting(expression: Node) -> str | None:
    """The setting a two-argument current_setting() call reads; None for any other expression."""
    call = expression.get("FuncCall", {})
    arguments = call.get("args", ())
    if names(call.get("funcname", ()))[-1:] != ["current_setting"] or len(arguments) < 2:
        return None
    return constant(arguments[0])

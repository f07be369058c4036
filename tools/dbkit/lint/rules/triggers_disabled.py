"""All triggers are switched off.

## What it does
Reports DISABLE TRIGGER ALL, and session_replication_role = replica, also by set_config(), in a migration.

## Why is this bad?
Foreign keys are triggers: rows that point nowhere get in, and nothing looks for them later. Audit, tenant and version
triggers are off as well, for everybody who writes meanwhile.

## Example
```sql
alter table app.docs disable trigger all;
```

## Use instead
```sql
alter table app.docs disable trigger _500_notify;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import calls, commands, constant
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C040",
    severity=Severity.ERROR,
    lock="SHARE ROW EXCLUSIVE; foreign keys are not checked",
    files=frozenset({MIGRATION}),
)


@rule.on("SelectStmt")
def check_call(statement: Statement, context: Context) -> Iterator[Hit]:
    if "session_replication_role" not in statement.text:
        return
    for call in calls(statement, "set_config"):
        if [constant(argument) for argument in call.get("args", ())[:2]] == ["session_replication_role", "replica"]:
            yield _replica(statement)


@rule.on("VariableSetStmt")
@rule.on_alter("AT_DisableTrigAll")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if statement.tag == "VariableSetStmt":
        values = [constant(argument) for argument in node.get("args", ())]
        if node.get("name") == "session_replication_role" and values == ["replica"]:
            yield _replica(statement)
        return
    for command in commands(node):
        if command["subtype"] == "AT_DisableTrigAll" and not context.state.is_new(node["relation"], context.file):
            table = context.state.name(node["relation"])
            yield Hit(
                f"foreign keys of {table} are not checked any more",
                at=statement.start,
                object=table,
                hint="Disable the one trigger by name, or disable trigger user.",
            )


def _replica(statement: Statement) -> Hit:
    return Hit(
        "session_replication_role = replica switches foreign keys and triggers off",
        at=statement.start,
        hint="Disable the one trigger by name.",
    )

"""SET of search_path or role outlives the file.

## What it does
Reports SET (not SET LOCAL) of search_path, role, session authorization, row_security or session_replication_role in a
migration that does not reset it, and the same by set_config(…, false), in DO blocks as well. In a section without a
transaction, where SET LOCAL has no effect, a RESET at its end is what counts.

## Why is this bad?
The next migration of the session runs with it: its unqualified names land in another schema, its tables belong to
another role.

## Example
```sql
set search_path = app;
create table notes (
    id bigint primary key
);
```

## Use instead
```sql
set local search_path = app;
create table notes (
    id bigint primary key
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.routines import body_statements
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import calls, constant
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(
    code="C162",
    severity=Severity.WARNING,
    lock="the next migration runs with it",
    files=frozenset({MIGRATION}),
)

_SETTINGS = frozenset({"search_path", "role", "session_authorization", "row_security", "session_replication_role"})
_SETTING_KINDS = ("VAR_SET_VALUE", "VAR_SET_DEFAULT", "VAR_SET_CURRENT")


@rule.settled_after("VariableSetStmt", "SelectStmt", "DoStmt")
def check(context: Context) -> Iterator[Hit]:
    left: dict[str, Statement] = {}
    for statement in _run(context):
        if context.file.section_at(statement.start).name != "up":
            continue
        if statement.tag == "VariableSetStmt":
            _follow(statement, left)
        elif statement.tag == "DiscardStmt":
            left.clear()
        elif statement.tag == "SelectStmt" and "set_config" in statement.text.lower():
            for call in calls(statement, "set_config"):
                name, _, local = (constant(argument) for argument in [*call.get("args", ()), {}, {}, {}][:3])
                if local == "false" and (name or "").lower() in _SETTINGS:
                    left[str(name).lower()] = statement
    for name, statement in left.items():
        yield Hit(
            f"{name} is set for the rest of the session",
            at=statement.start,
            object=name,
            hint=f"Write set local, or reset {name} at the end of the file.",
        )


def _run(context: Context) -> Iterator[Statement]:
    """The statements of the file, those of its DO blocks among them."""
    for statement in context.file.script.statements:
        yield statement
        if statement.tag == "DoStmt":
            yield from body_statements(statement)


def _follow(statement: Statement, left: dict[str, Statement]) -> None:
    node = statement.node
    name = str(node.get("name", "")).lower()
    if node["kind"] == "VAR_RESET_ALL":
        left.clear()
    elif node["kind"] in ("VAR_RESET", "VAR_SET_DEFAULT") or (name == "role" and _is_none(statement)):
        left.pop(name, None)
    elif node["kind"] in _SETTING_KINDS and name in _SETTINGS and not node.get("is_local"):
        left[name] = statement


def _is_none(statement: Statement) -> bool:
    arguments = statement.node.get("args", ())
    return bool(arguments) and constant(arguments[0]) == "none"

"""IMMUTABLE on a function that is not.

## What it does
Reports a function declared IMMUTABLE whose body reads a table, writes, or calls something that is not immutable: the
clock, the session, random values, or a function known to be STABLE or VOLATILE.

## Why is this bad?
The planner evaluates the call once and keeps the answer, in a cached plan and in an index: queries go on using what was
true when the plan was made or the row was written.

## Example
```sql
create function app.is_past(p_at timestamptz) returns boolean
    language sql immutable
    return p_at < now();
```

## Use instead
```sql
create function app.is_past(p_at timestamptz) returns boolean
    language sql stable
    return p_at < now();
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.model import label
from dbkit.lint.routines import body_statements, unstable_call
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, option, relations_in
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C143", severity=Severity.ERROR, lock="none; wrong index or cached plan", triggers=("immutable",))

_WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "CallStmt")


@rule.on("CreateFunctionStmt", "AlterFunctionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    mark = option(statement.node.get("options") or statement.node.get("actions") or (), "volatility")
    if mark is None or mark["arg"]["String"]["sval"] != "immutable":
        return
    made = statement if statement.tag == "CreateFunctionStmt" else _made_by(statement.node["func"], context)
    reason = _reason(made, context) if made is not None else None
    if reason:
        parts = names(statement.node["funcname"] if made is statement else statement.node["func"]["objname"])
        name = label(context.state.object_key(parts))
        yield Hit(
            f"function {name} is declared immutable but {reason}",
            at=statement.offset(mark),
            object=name,
            hint="Declare it stable, or volatile where it writes.",
        )


def _made_by(function: Node, context: Context) -> Statement | None:
    """The statement that created the function an ALTER names, where there is but one of that name."""
    overloads = list(context.state.functions.get(context.state.object_key(names(function["objname"])), {}).values())
    if len(overloads) != 1:
        return None
    for file in context.series.files:
        for statement in file.script.statements:
            if statement.node is overloads[0].statement:
                return statement
    return None


def _reason(statement: Statement, context: Context) -> str | None:
    for inside in body_statements(statement):
        tree = {inside.tag: inside.node}
        if inside.tag in _WRITES:
            return "writes"
        relations = relations_in(tree)
        if relations:
            return f"reads {context.state.name(relations[0])}"
        call = unstable_call(tree, context.state)
        if call and not _is_discarded(inside):
            return f"depends on {call[0]}"
    return None


def _is_discarded(inside: Statement) -> bool:
    """PERFORM calls a function for what it raises, not for what it answers."""
    before = inside.script.text[max(0, inside.start - 20) : inside.start]
    return before.rstrip().lower().endswith("perform")

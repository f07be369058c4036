"""IMMUTABLE or STABLE on a function that is not.

## What it does
Reports a function declared IMMUTABLE whose body reads a table, writes, calls something that is not immutable (the
clock, the session, random values, a function known to be STABLE or VOLATILE), or turns a parameter of type timestamptz
into a date, a local time or text; also a function declared STABLE that writes.

## Why is this bad?
The planner evaluates the call once and keeps the answer, in a cached plan and in an index: queries go on using what was
true when the plan was made or the row was written. What a STABLE function writes fails with 0A000 when it is called.

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
from dbkit.lint.policies import column_of
from dbkit.lint.routines import body_statements, unstable_call, zone_dependent
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, option, relations_in, type_name
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="C143", severity=Severity.ERROR, lock="none; wrong index or cached plan", triggers=("immutable", "stable")
)

_WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "TruncateStmt", "CallStmt")
_REFUSED = _WRITES[:-1]  # in a STABLE function, too


@rule.on("CreateFunctionStmt", "AlterFunctionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    mark = option(statement.node.get("options") or statement.node.get("actions") or (), "volatility")
    stated = mark["arg"]["String"]["sval"] if mark is not None else "volatile"
    if mark is None or stated == "volatile":
        return
    made = statement if statement.tag == "CreateFunctionStmt" else _made_by(statement.node["func"], context)
    reason = _reason(made, stated, context) if made is not None else None
    if reason:
        parts = names(statement.node["funcname"] if made is statement else statement.node["func"]["objname"])
        name = label(context.state.object_key(parts))
        yield Hit(
            f"function {name} is declared {stated} but {reason}",
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


def _reason(statement: Statement, stated: str, context: Context) -> str | None:
    written = [item["FunctionParameter"] for item in statement.node.get("parameters", ())]
    zoned = {item.get("name") for item in written if type_name(item["argType"]) == "timestamptz"}
    for inside in body_statements(statement):
        tree = {inside.tag: inside.node}
        if inside.tag in _WRITES and (stated == "immutable" or inside.tag in _REFUSED):
            return "writes"
        if stated == "stable":
            continue
        relations = relations_in(tree)
        if relations:
            return f"reads {context.state.name(relations[0])}"
        call = unstable_call(tree, context.state)
        if call is None and zoned:
            call = zone_dependent(tree, lambda expression: column_of(expression) in zoned)
        if call and not _is_discarded(inside):
            return f"depends on {call[0]}"
    return None


def _is_discarded(inside: Statement) -> bool:
    """PERFORM calls a function for what it raises, not for what it answers."""
    before = inside.script.text[max(0, inside.start - 20) : inside.start]
    return before.rstrip().lower().endswith("perform")

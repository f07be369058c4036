"""LEAKPROOF on a function that can tell what it was given.

## What it does
Reports LEAKPROOF on a function whose body raises, writes, notifies, executes or casts, or on a function of PostgreSQL
or an extension; any other LEAKPROOF function in SQL or PL/pgSQL is noted.

## Why is this bad?
The planner runs leakproof functions before the policy of a table, on rows the caller may not see. An error message, a
notice or a row in a log that holds the argument hands those rows over.

## Example
```sql
create function app.is_big(p_total numeric) returns boolean
    language plpgsql immutable leakproof set search_path = pg_catalog, pg_temp
as $$
begin
    raise notice '%', p_total;
    return p_total > 1000;
end
$$;
```

## Use instead
```sql
create function app.is_big(p_total numeric) returns boolean
    language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return p_total > 1000;
end
$$;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.flow import words
from dbkit.lint.routines import body_of, body_statements
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names, nodes, option, walk
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C128", severity=Severity.ERROR, lock="none; run before the policy", triggers=("leakproof",))

_WORDS = frozenset({"raise", "notify", "execute", "assert", "insert", "update", "delete", "copy", "strict"})
_WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "NotifyStmt", "CallStmt")


@rule.on("CreateFunctionStmt", "AlterFunctionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    mark = option(node.get("options") or node.get("actions") or (), "leakproof")
    if mark is None or not mark["arg"]["Boolean"].get("boolval"):
        return
    name = ".".join(names(node["funcname"] if "funcname" in node else node["func"]["objname"]))
    reason = _leak(statement) if "funcname" in node else "was not written to be"
    if reason is None and _only_compares(statement):
        return
    yield Hit(
        f"function {name} is marked leakproof, but it {reason}"
        if reason
        else f"function {name} is marked leakproof, which nothing checks",
        at=statement.offset(mark),
        object=name,
        hint="Leave leakproof out; a search that must reach an index is a definer function with its own tenant filter.",
        severity=None if reason else Severity.NOTE,
    )


def _leak(statement: Statement) -> str | None:
    body = body_of(statement)
    if body is not None and body.language == "plpgsql":
        found = next((word for word in words(body.text) if word in _WORDS), None)
        if found:
            return f"can show its argument ({found})"
    for inside in body_statements(statement):
        if inside.tag in _WRITES:
            return "writes"
        for tag, node in nodes(inside):
            if tag == "TypeCast" and "A_Const" not in node.get("arg", {}):
                return "fails with its argument in the message (cast)"
            if tag == "A_Expr" and names(node["name"])[-1:] in (["/"], ["%"]):
                return "fails for some arguments (division)"
    return None


def _only_compares(statement: Statement) -> bool:
    """Whether a body is one SELECT that compares arguments and constants, which no value of theirs can make fail."""
    inside = body_statements(statement)
    if len(inside) != 1 or inside[0].tag != "SelectStmt" or {"fromClause", "withClause"} & inside[0].node.keys():
        return False
    for tag, node in walk(inside[0].node):
        if tag == "A_Expr" and (node["kind"] != "AEXPR_OP" or names(node["name"])[-1] not in _COMPARISONS):
            return False
        if tag in ("FuncCall", "SubLink", "A_Indirection"):
            return False
    return True


_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})

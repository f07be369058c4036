"""Constraint without a name.

## What it does
Notes a check, unique, foreign key or exclusion constraint without a name, once a statement.

## Why is this bad?
PostgreSQL makes a name up from the table, the columns and a number. Where two databases were built in another order
the names differ, and a later DROP CONSTRAINT, or a program that reads the name from an error, finds the wrong one or
none.

## Example
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    n  integer,
    check (n > 0)
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key,
    n  integer,
    constraint notes_n_positive check (n > 0)
);
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.fix import Fix, constraint_name, name_constraints
from dbkit.lint.model import label
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import commands, constraints_of
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C080", severity=Severity.NOTE, fix="the name PostgreSQL would give")

_KINDS = {
    "CONSTR_CHECK": "check",
    "CONSTR_UNIQUE": "unique constraint",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_EXCLUSION": "exclusion constraint",
}


@rule.on("CreateStmt")
@rule.on_alter("AT_AddConstraint", "AT_AddColumn")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    node = statement.node
    if node["relation"].get("relpersistence") == "t":
        return
    elements = node.get("tableElts") or [command.get("def", {}) for command in commands(node)]
    nameless = [item for element in elements for item in _constraints(element) if _is_nameless(item)]
    if nameless:
        creates = statement.tag == "CreateStmt"
        table = label((context.state.new_key if creates else context.state.key)(node["relation"]))
        more = f" and {len(nameless) - 1} more" if len(nameless) > 1 else ""
        yield Hit(
            f"a {_KINDS[nameless[0]['contype']]}{more} of {table} has no name of its own",
            at=statement.offset(nameless[0]),
            object=table,
            hint="Write constraint name before it.",
            fix=partial(_fix, statement),
        )


def _constraints(element: Node) -> list[Node]:
    return [element["Constraint"]] if "Constraint" in element else constraints_of(element.get("ColumnDef", {}))


def _fix(statement: Statement) -> Fix | None:
    node = statement.node
    taken: set[str] = set()
    listed = []
    for element in [*node.get("tableElts", ()), *(command.get("def", {}) for command in commands(node))]:
        column = element.get("ColumnDef", {}).get("colname")
        for item in _constraints(element):
            if _is_nameless(item):
                columns = (column,) if column else ()
                listed.append((item, constraint_name(node["relation"]["relname"], item, columns, taken)))
    return name_constraints(statement, listed)


def _is_nameless(constraint: Node) -> bool:
    return constraint["contype"] in _KINDS and "conname" not in constraint

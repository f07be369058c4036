"""One column is assigned, or defined, twice.

## What it does
Reports an UPDATE, INSERT, MERGE or ON CONFLICT DO UPDATE that names a column twice, also in function bodies, and a
CREATE or ALTER TABLE that defines one twice, or adds one the table has.

## Why is this bad?
The statement fails with 42601 (42701 for INSERT and definitions) when it is run; in a function body that is the day
somebody calls it.

## Example
```sql
update app.docs set body = 'a', body = 'b' where id = 1;
```

## Use instead
```sql
update app.docs set body = 'b' where id = 1;
```
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import DECLARED
from dbkit.lint.rule import BOTH_WAYS, DO, EVERYWHERE, FUNCTION, Hit, Rule
from dbkit.lint.trees import column_definitions, commands
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="C166",
    severity=Severity.ERROR,
    lock="fails 42601",
    files=EVERYWHERE,
    sections=BOTH_WAYS,
    bodies=frozenset({DO, FUNCTION}),
)


@rule.on("UpdateStmt", "InsertStmt", "DeleteStmt", "SelectStmt", "MergeStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    changes = [statement.node] if statement.tag not in ("DeleteStmt", "SelectStmt") else []
    for item in statement.node.get("withClause", {}).get("ctes", ()):
        query = item["CommonTableExpr"]["ctequery"]
        changes += [query[tag] for tag in ("UpdateStmt", "InsertStmt") if tag in query]
    for node in changes:
        yield from _assigned_twice(node, statement)


def _assigned_twice(node: Node, statement: Statement) -> Iterator[Hit]:
    lists = [
        node.get("targetList", ()),
        node.get("cols", ()),
        node.get("onConflictClause", {}).get("targetList", ()),
        *(clause["MergeWhenClause"].get("targetList", ()) for clause in node.get("mergeWhenClauses", ())),
    ]
    for targets in lists:
        # a[1] = …, a[2] = … and c.x = …, c.y = … assign different parts of one column.
        whole: list[Node] = [item["ResTarget"] for item in targets if "indirection" not in item["ResTarget"]]
        counts = Counter(target.get("name") for target in whole)
        for target in whole:
            if counts[target.get("name")] > 1:
                counts[target.get("name")] = 0
                yield Hit(
                    f"column {target.get('name')} is assigned twice",
                    at=statement.offset(target),
                    hint="Remove one of the two.",
                )


@rule.on("CreateStmt", "AlterTableStmt")
def check_definitions(statement: Statement, context: Context) -> Iterator[Hit]:
    columns = column_definitions(statement)
    if statement.tag == "AlterTableStmt" and columns and context.body is None:
        yield from _there_already(statement, context)
    if len({name for name, _ in columns}) == len(columns):
        return
    defined = [
        (name, column)
        for name, column in columns
        if not any(item.get("name") == name for item in commands(statement.node))
    ]
    counts = Counter(name for name, _ in defined)
    for name, column in defined:
        if counts[name] > 1:
            counts[name] = 0
            yield Hit(f"column {name} is defined twice", at=statement.offset(column), hint="Remove one of the two.")


def _there_already(statement: Statement, context: Context) -> Iterator[Hit]:
    """ADD COLUMN of a column the table has."""
    is_up = context.file.section_at(statement.start).name == "up"
    table = context.state.find(statement.node["relation"]) if is_up and context.series.kind != DECLARED else None
    if table is None:
        return
    dropped = {item.get("name") for item in commands(statement.node) if item["subtype"] == "AT_DropColumn"}
    for command in commands(statement.node):
        if command["subtype"] != "AT_AddColumn" or command.get("missing_ok"):
            continue
        name = command["def"]["ColumnDef"]["colname"]
        if name in table.columns and name not in dropped and not _may_be_dropped_unseen(context):
            yield Hit(f"{table} has a column {name} already", at=statement.offset(command["def"]["ColumnDef"]))


def _may_be_dropped_unseen(context: Context) -> bool:
    before = context.series.files[: context.series.place[context.file] + 1]
    return any(file.script.problems or ("execute" in file.lower and "drop" in file.lower) for file in before)

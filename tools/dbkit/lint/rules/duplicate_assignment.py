"""One column is assigned, or defined, twice.

## What it does
Reports an UPDATE, INSERT, MERGE or ON CONFLICT DO UPDATE that names a column twice, also in function bodies, and a
CREATE or ALTER TABLE that defines one twice.

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

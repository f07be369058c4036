"""Objects are named without their schema.

## What it does
Notes, once a file, the first permanent table, view, function, type or sequence that is created, changed or dropped
without a schema, unless the file sets search_path.

## Why is this bad?
Where it lands, and which object is changed, depends on the search_path of whoever applies the file: another role,
another database setting, or the migration before it.

## Example
```sql
create table notes (
    id bigint generated always as identity primary key
);
```

## Use instead
```sql
create table app.notes (
    id bigint generated always as identity primary key
);
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.trees import names
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C078", severity=Severity.NOTE)

# statement -> the key of its RangeVar, or of its list of names
_RANGE_VARS = {
    "CreateStmt": "relation",
    "AlterTableStmt": "relation",
    "IndexStmt": "relation",
    "ViewStmt": "view",
    "CreateSeqStmt": "sequence",
    "CompositeTypeStmt": "typevar",
    "CreateTrigStmt": "relation",
    "CreatePolicyStmt": "table",
}
_NAME_LISTS = {
    "CreateFunctionStmt": "funcname",
    "CreateEnumStmt": "typeName",
    "CreateDomainStmt": "domainname",
}


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    first: tuple[Statement, str] | None = None
    count = 0
    for statement in context.file.script.statements:
        if statement.tag == "VariableSetStmt" and statement.node.get("name") == "search_path":
            return
        name = _unqualified(statement, context)
        if name:
            first = first or (statement, name)
            count += 1
    if first is not None:
        statement, name = first
        yield Hit(
            f"{name} is named without its schema" + (f", and {count - 1} more names" if count > 1 else ""),
            at=statement.start,
            object=name,
            hint="Write schema.name.",
        )


def _unqualified(statement: Statement, context: Context) -> str | None:
    node = statement.node
    if statement.tag in _RANGE_VARS:
        return _name(node.get(_RANGE_VARS[statement.tag], {}), context)
    if statement.tag == "CreateTableAsStmt":
        return _name(node["into"]["rel"], context)
    if statement.tag in _NAME_LISTS:
        parts = names(node.get(_NAME_LISTS[statement.tag], ()))
        return parts[0] if len(parts) == 1 else None
    return None


def _name(relation: Node, context: Context) -> str | None:
    if not relation or "schemaname" in relation or relation.get("relpersistence") == "t":
        return None
    found = context.state.find(relation)
    return None if found is not None and found.temporary else str(relation["relname"])

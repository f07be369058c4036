"""Several ALTER TABLE where one would do.

## What it does
Notes a second ALTER TABLE of a table, in one transaction, whose subcommands could stand in the first: neither
VALIDATE CONSTRAINT nor something about a column or constraint that the first one makes.

## Why is this bad?
Each takes its lock again and, where rows are read or written anew, does so again: in one statement it is one pass.

## Example
```sql
alter table app.docs add column region text;
alter table app.docs add column area text;
```

## Use instead
```sql
alter table app.docs
    add column region text,
    add column area text;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.timeouts import transactions
from dbkit.lint.trees import commands
from dbkit.parse import Node
from dbkit.report import Severity

rule = Rule(
    code="C032", severity=Severity.NOTE, lock="one pass each instead of one in all", files=frozenset({MIGRATION})
)

# Must follow what they are about, or are written one by one by custom.
_APART = (
    "AT_ValidateConstraint",
    "AT_EnableRowSecurity",
    "AT_ForceRowSecurity",
    "AT_ChangeOwner",
    "AT_AttachPartition",
)


@rule.settled_with("transactions")
def check(context: Context) -> Iterator[Hit]:
    for transaction in transactions(context):
        made: dict[str, set[str]] = {}
        for locking in transaction:
            node = locking.statement.node
            if locking.statement.tag != "AlterTableStmt" or node.get("objtype") != "OBJECT_TABLE":
                continue
            own = commands(node)
            if not locking.tables or any(command["subtype"] in _APART for command in own):
                continue
            table = context.state.name(node["relation"])
            touched = {name for command in own for name in _names(command)}
            if table in made and not touched & made[table]:
                yield Hit(
                    f"{table} is altered again in the same transaction",
                    at=locking.statement.start,
                    object=table,
                    hint="Write one alter table with all its subcommands.",
                )
            made.setdefault(table, set()).update(touched)


def _names(command: Node) -> set[str]:
    """Columns and constraints a subcommand is about."""
    definition = command.get("def", {})
    column, constraint = definition.get("ColumnDef", {}), definition.get("Constraint", {})
    names = {command.get("name"), column.get("colname"), constraint.get("conname")}
    names |= {item["String"].get("sval") for item in constraint.get("fk_attrs", constraint.get("keys", ()))}
    return {name for name in names if name}

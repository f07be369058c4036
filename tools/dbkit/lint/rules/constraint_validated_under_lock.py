"""CHECK or FOREIGN KEY added to an existing table is validated while the table is locked.

## What it does
Reports ADD CONSTRAINT … CHECK or FOREIGN KEY without NOT VALID on a table this migration did not create, a column
added with an inline CHECK (or REFERENCES and a default), and a VALIDATE CONSTRAINT in the transaction, or the very
statement, that added the constraint. A foreign key of a partitioned table cannot be NOT VALID before PostgreSQL 18 and
is left alone.

## Why is this bad?
Every row is checked under ACCESS EXCLUSIVE (CHECK) or SHARE ROW EXCLUSIVE on both tables (FOREIGN KEY): nobody
writes, for a CHECK nobody reads, until the scan ends. VALIDATE CONSTRAINT in a transaction of its own takes SHARE
UPDATE EXCLUSIVE, which lets reads and writes pass.

## Example
```sql
alter table app.orders add constraint orders_total_positive check (total >= 0);
```

## Use instead
```sql
alter table app.orders add constraint orders_total_positive check (total >= 0) not valid;
```
and in a later migration:
```sql
alter table app.orders validate constraint orders_total_positive;
```
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.fix import not_valid
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.sections import is_committed_between
from dbkit.lint.trees import added_constraints, commands, constraints_of, has_default
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="L012",
    severity=Severity.ERROR,
    lock="ACCESS EXCLUSIVE (check) or SHARE ROW EXCLUSIVE on both tables (foreign key) while every row is read",
    work="scan",
    files=frozenset({MIGRATION}),
    fix="not valid, and the validate in a migration of its own",
)

_KINDS = {"CONSTR_CHECK": "check", "CONSTR_FOREIGN": "foreign key"}
_HINT = "Add it not valid here and validate it in a later migration."


@rule.on_alter("AT_AddConstraint", "AT_AddColumn", "AT_ValidateConstraint")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    relation = statement.node["relation"]
    if statement.node.get("objtype") != "OBJECT_TABLE" or context.state.is_new(relation, context.file):
        return
    for command in commands(statement.node):
        what = command["subtype"]
        if what == "AT_AddConstraint":
            constraint = command["def"]["Constraint"]
            if _scans(constraint) and not _must_scan(constraint, relation, context):
                yield _added(constraint, statement, context)
        elif what == "AT_AddColumn":
            column = command["def"]["ColumnDef"]
            for constraint in constraints_of(column):
                # Without a default the new column is null in every row, which satisfies any foreign key.
                empty = constraint["contype"] == "CONSTR_FOREIGN" and not has_default(column)
                if _scans(constraint) and not empty:
                    yield _added(constraint, statement, context)
        elif what == "AT_ValidateConstraint":
            yield from _validated_at_once(command, statement, context)


def _scans(constraint: Node) -> bool:
    # NOT ENFORCED sets skip_validation, too.
    return constraint["contype"] in _KINDS and not constraint.get("skip_validation")


def _must_scan(constraint: Node, relation: Node, context: Context) -> bool:
    table = context.state.find(relation)
    return constraint["contype"] == "CONSTR_FOREIGN" and table is not None and table.kind == "partitioned"


def _added(constraint: Node, statement: Statement, context: Context) -> Hit:
    table = context.state.name(statement.node["relation"])
    kind = _KINDS[constraint["contype"]]
    name = constraint.get("conname")
    return Hit(
        f"{kind}{f' {name}' if name else ''} reads every row of {table} under lock",
        at=statement.offset(constraint),
        object=table,
        hint=_HINT,
        fix=partial(not_valid, statement, constraint),
    )


def _validated_at_once(command: Node, statement: Statement, context: Context) -> Iterator[Hit]:
    table = context.state.tables.get(context.state.key(statement.node["relation"]))
    name = command.get("name", "")
    if any(item.get("conname") == name for item in added_constraints(statement.node)):
        together = "statement"
    else:
        constraint = table.constraints.get(name) if table and context.in_transaction else None
        if constraint is None or constraint.origin.file is not context.file or constraint.valid:
            return
        if is_committed_between(context.file.script.statements, constraint.origin.statement, statement.start):
            return
        together = "transaction"
    yield Hit(
        f"constraint {name} is validated in the {together} that added it",
        at=statement.start,
        object=context.state.name(statement.node["relation"]),
        hint="Move the validate constraint to a later migration: here the strong lock of the add is still held.",
    )

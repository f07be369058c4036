"""A new enum value is used before it is committed.

## What it does
Reports a literal equal to a value that ALTER TYPE … ADD VALUE adds earlier in the same transaction to a type that the
transaction did not create, unless it is cast to, or meets a column of, another type.

## Why is this bad?
PostgreSQL refuses it (55P04): the value may be used from the next transaction on.

## Example
```sql
alter type app.order_state add value 'draft' before 'new';
comment on type app.order_state is 'States.';
insert into app.order_log (state) values ('draft');
```

## Use instead
```sql
alter type app.order_state add value 'draft' before 'new';
-- rows that use it in the next migration
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.rule import Hit, Rule
from dbkit.lint.sections import ends_transaction, opens_transaction
from dbkit.lint.trees import constant, constraints_of, names, relations_in, type_name, walk
from dbkit.parse import Node, Statement
from dbkit.report import Severity

rule = Rule(code="C038", severity=Severity.ERROR, lock="fails 55P04", files=frozenset({MIGRATION}), triggers=("value",))


@rule.settled
def check(context: Context) -> Iterator[Hit]:
    added: dict[str, str] = {}
    section, opened = None, False
    for statement in context.file.script.statements:
        if context.file.section_at(statement.start) is not section:
            section, added, opened = context.file.section_at(statement.start), {}, False
        if opens_transaction(statement):
            opened = True
        elif ends_transaction(statement):
            opened, added = False, {}
        if not (section.transactional or opened) or section.name != "up":
            continue
        if statement.tag == "AlterEnumStmt" and "oldVal" not in statement.node:
            parts = names(statement.node["typeName"])
            if context.state.types.get(context.state.object_key(parts)) is not context.file:
                added[statement.node["newVal"]] = ".".join(parts)
        elif added and statement.tag not in ("CommentStmt", "VariableSetStmt"):
            for node, value in _used(statement, added, context):
                yield Hit(
                    f"'{value}' of {added[value]} is used in the transaction that adds it",
                    at=statement.offset(node),
                    object=added[value],
                    hint="Use it in a later migration.",
                )


def _used(statement: Statement, added: dict[str, str], context: Context) -> Iterator[tuple[Node, str]]:
    """The literals that spell an added value, but for those that stand for a value of another type."""
    tree = {statement.tag: statement.node}
    literals = [node for tag, node in walk(tree) if tag == "A_Const" and constant({"A_Const": node}) in added]
    if not literals:
        return
    tables = [statement.node["relation"]] if "relname" in statement.node.get("relation", {}) else []
    tables += relations_in(tree)
    elsewhere = {
        id(node) for node, kind in _typed_literals(tree, statement, tables, context) if not _is_of(kind, added)
    }
    for node in literals:
        if id(node) not in elsewhere:
            yield node, str(constant({"A_Const": node}))


def _is_of(kind: str, added: dict[str, str]) -> bool:
    return kind.removesuffix("[]").rpartition(".")[2] in {name.rpartition(".")[2] for name in added.values()}


def _typed_literals(
    tree: Node, statement: Statement, tables: list[Node], context: Context
) -> Iterator[tuple[Node, str]]:
    """(literal, type it takes) where the statement tells: casts, columns compared with or given, defaults."""

    def type_of(column: str) -> str | None:
        found = [context.state.find(table) for table in tables]
        kinds = {table.columns[column].type for table in found if table is not None and column in table.columns}
        return kinds.pop() if len(kinds) == 1 else None

    def literals_in(value: Node, kind: str | None) -> Iterator[tuple[Node, str]]:
        items = value["List"]["items"] if "List" in value else [value]
        for item in items if kind else ():
            if "A_Const" in item:
                yield item["A_Const"], str(kind)

    for tag, node in walk(tree):
        if tag == "TypeCast":
            yield from literals_in(node.get("arg", {}), type_name(node["typeName"]))
        elif tag == "A_Expr":
            for one, other in (("lexpr", "rexpr"), ("rexpr", "lexpr")):
                column = names(node.get(one, {}).get("ColumnRef", {}).get("fields", ()))[-1:]
                yield from literals_in(node.get(other, {}), type_of(column[0]) if column else None)
        elif tag == "ResTarget" and "name" in node:
            yield from literals_in(node.get("val", {}), type_of(node["name"]))
        elif tag == "ColumnDef" and "typeName" in node:
            for constraint in constraints_of(node):
                yield from literals_in(constraint.get("raw_expr", {}), type_name(node["typeName"]))
        elif tag == "AlterTableCmd" and node["subtype"] == "AT_ColumnDefault":
            yield from literals_in(node.get("def", {}), type_of(node["name"]))
    if statement.tag == "InsertStmt":
        table = context.state.find(statement.node["relation"])
        columns = [item["ResTarget"]["name"] for item in statement.node.get("cols", ())]
        columns = columns or list(table.columns if table else ())
        query = statement.node.get("selectStmt", {}).get("SelectStmt", {})
        rows = [row["List"]["items"] for row in query.get("valuesLists", ())]
        rows.append([item["ResTarget"].get("val", {}) for item in query.get("targetList", ())])
        for row in rows:
            for column, value in zip(columns, row, strict=False):
                yield from literals_in(value, type_of(column))

"""What a table that exists lacks, as additive statements that do not hold up its users.

Columns and unvalidated constraints go into the migration's transaction; indexes and validation, which read the whole
table, into steps outside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dbkit.catalog import Column, Constraint, Table
from dbkit.migrate.ddl import comment_sql
from dbkit.parse import Node, Statement
from dbkit.sqltext import identifier

__all__ = ["Block", "TableChanges", "table_changes"]

# Constraints of a column that are added apart from it: they would read every row under the strongest lock.
_ADDED_APART = {"CONSTR_CHECK", "CONSTR_FOREIGN", "CONSTR_UNIQUE", "CONSTR_PRIMARY"}
_NOT_VALID = ("check", "foreign key")


@dataclass(frozen=True, slots=True)
class Block:
    """A step of a migration and its way back."""

    up: str
    down: str = ""


@dataclass(slots=True)
class TableChanges:
    """Steps for one transaction, then steps outside any."""

    blocks: list[Block] = field(default_factory=list)
    bare: list[Block] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Element:
    """A column or constraint as its file writes it; a column without the constraints that are added apart.

    Attributes:
        nullable: the same without NOT NULL.
    """

    text: str
    nullable: str = ""


def table_changes(old: Table, new: Table, statements: Sequence[Statement]) -> TableChanges:
    """Bring a table along without taking anything away but constraints and indexes.

    Args:
        old, new: the table as migrations leave it, and as it is declared.
        statements: of the declared file, whose words are used where it has them.
    """
    drafted = TableChanges()
    elements = dict(_elements(statements, new))
    for name, column in new.columns.items():
        if name not in old.columns:
            plain = f"{identifier(name)} {column.type}"
            _add_column(drafted, new, column, elements.get(name, _Element(plain, plain)))
        else:
            _alter_column(drafted, new, old.columns[name], column)
    # Before 18 a NOT NULL is a property of its column; from 18 on it is also listed as a constraint.
    had = {name: item for name, item in old.constraints.items() if item.kind != "not null"}
    has = {name: item for name, item in new.constraints.items() if item.kind != "not null"}
    for name, constraint in had.items():
        if name not in has or has[name].definition != constraint.definition:
            up = f"alter table {new.key} drop constraint {identifier(name)};"
            drafted.blocks.append(Block(up, _add_constraint(new.key, constraint, constraint.definition)))
    for name, constraint in has.items():
        if name not in had or had[name].definition != constraint.definition:
            element_text = elements[name].text if name in elements else None
            _new_constraint(drafted, new, constraint, element_text)
    _compare_indexes(drafted, old, new, statements)
    if old.comment != new.comment:
        target = f"table {new.key}"
        drafted.blocks.append(Block(comment_sql(target, new.comment), comment_sql(target, old.comment)))
    return drafted


def _add_column(drafted: TableChanges, table: Table, column: Column, element: _Element) -> None:
    name = identifier(column.name)
    lines = []
    unfilled = column.not_null and column.default is None and not column.identity
    if unfilled:
        lines.append(f"-- {column.name} is not null in the declared tree: fill it before the constraint is validated.")
    lines.append(f"alter table {table.key} add column {element.nullable if unfilled else element.text};")
    if column.comment is not None:
        lines.append(comment_sql(f"column {table.key}.{name}", column.comment))
    drafted.blocks.append(Block("\n".join(lines), f"alter table {table.key} drop column {name};"))
    if unfilled:
        _set_not_null(drafted, table, column.name, undo=False)


def _alter_column(drafted: TableChanges, table: Table, old: Column, new: Column) -> None:
    name = identifier(new.name)
    alter = f"alter table {table.key} alter column {name}"
    if old.default != new.default and not (old.generated or new.generated):
        drafted.blocks.append(Block(f"{alter} {_default(new)};", f"{alter} {_default(old)};"))
    if old.not_null and not new.not_null:
        drafted.blocks.append(Block(f"{alter} drop not null;", f"{alter} set not null;"))
    elif new.not_null and not old.not_null:
        _set_not_null(drafted, table, new.name, undo=True)
    if old.comment != new.comment:
        target = f"column {table.key}.{name}"
        drafted.blocks.append(Block(comment_sql(target, new.comment), comment_sql(target, old.comment)))


def _default(column: Column) -> str:
    return "drop default" if column.default is None else f"set default {column.default}"


def _set_not_null(drafted: TableChanges, table: Table, column: str, *, undo: bool) -> None:
    """NOT NULL without a scan under the strongest lock: a validated CHECK proves it, then goes."""
    # Not "_not_null": PostgreSQL 18 gives that name to the column's own constraint.
    check = identifier(f"{table.name}_{column}_filled"[:63])
    name = identifier(column)
    up = f"alter table {table.key} add constraint {check} check ({name} is not null) not valid;"
    drafted.blocks.append(Block(up, f"alter table {table.key} drop constraint if exists {check};"))
    back = f"alter table {table.key} alter column {name} drop not null;" if undo else ""
    drafted.bare += [
        Block(f"alter table {table.key} validate constraint {check};"),
        Block(f"alter table {table.key} alter column {name} set not null;", back),
        Block(f"alter table {table.key} drop constraint {check};"),
    ]


def _new_constraint(drafted: TableChanges, table: Table, constraint: Constraint, element: str | None) -> None:
    name = identifier(constraint.name)
    drop = f"alter table {table.key} drop constraint {name};"
    if constraint.kind in _NOT_VALID:
        add = f"add {element}" if element else f"add constraint {name} {constraint.definition}"
        not_valid = "" if re.search(r"\bnot\s+valid\s*$", add, re.IGNORECASE) else " not valid"
        drafted.blocks.append(Block(f"alter table {table.key} {add}{not_valid};", drop))
        if constraint.validated:
            drafted.bare.append(Block(f"alter table {table.key} validate constraint {name};"))
    elif constraint.kind == "unique" and constraint.index in table.indexes and not constraint.deferrable:
        index = table.indexes[constraint.index]
        drafted.bare += [
            Block(_concurrently(index.definition)),
            Block(f"alter table {table.key} add constraint {name} unique using index {identifier(index.name)};", drop),
        ]
    else:
        add = element or f"constraint {name} {constraint.definition}"
        up = f"-- Builds its index under a lock that stops writers.\nalter table {table.key} add {add};"
        drafted.blocks.append(Block(up, drop))


def _add_constraint(table: str, constraint: Constraint, definition: str) -> str:
    return f"alter table {table} add constraint {identifier(constraint.name)} {definition};"


def _compare_indexes(drafted: TableChanges, old: Table, new: Table, statements: Sequence[Statement]) -> None:
    written = {item.node.get("idxname"): item.text for item in statements if item.tag == "IndexStmt"}
    schema = identifier(new.schema)
    own = {name: index for name, index in old.indexes.items() if index.constraint is None}
    declared = {name: index for name, index in new.indexes.items() if index.constraint is None}
    for name, index in own.items():
        if name not in declared or declared[name].definition != index.definition:
            drop = f"drop index concurrently {schema}.{identifier(name)};"
            drafted.bare.append(Block(drop, f"{_concurrently(index.definition)}"))
    for name, index in declared.items():
        if name not in own or own[name].definition != index.definition:
            text = _concurrently(written.get(name, index.definition))
            drop = f"drop index concurrently {schema}.{identifier(name)};"
            if index.comment is not None:
                text_comment = comment_sql(f"index {schema}.{identifier(name)}", index.comment)
                drafted.bare += [Block(text, drop), Block(text_comment)]
            else:
                drafted.bare.append(Block(text, drop))


def _concurrently(definition: str) -> str:
    text = re.sub(r"\A(create\s+(?:unique\s+)?index)\s+(?!concurrently)", r"\1 concurrently ", definition, flags=re.I)
    return text.rstrip(";") + ";"


def _elements(statements: Sequence[Statement], table: Table) -> Iterator[tuple[str, _Element]]:
    """Columns and named constraints of the CREATE TABLE, by name."""
    for statement in statements:
        relation = statement.node.get("relation", {})
        if statement.tag != "CreateStmt" or relation.get("relname") != table.name:
            continue
        for item in statement.node.get("tableElts", ()):
            kind, node = next(iter(item.items()))
            if kind == "ColumnDef":
                yield from _column_elements(statement, table.name, node)
            elif kind == "Constraint" and "conname" in node:
                start = statement.offset(node)
                yield node["conname"], _Element(_element_text(statement.script.text, start, statement.end))


def _column_elements(statement: Statement, table: str, column: Node) -> Iterator[tuple[str, _Element]]:
    """A column without the constraints that are added apart, and its CHECKs as constraints of the table."""
    text, start = statement.script.text, statement.offset(column)
    constraints = sorted((item["Constraint"] for item in column.get("constraints", ())), key=statement.offset)
    offsets = [statement.offset(constraint) for constraint in constraints]
    edges = [*offsets, statement.end]
    # The name and type end where the first constraint begins.
    kept = nullable = _element_text(text, start, edges[0])
    for constraint, begin, end in zip(constraints, offsets, edges[1:], strict=True):
        piece = _element_text(text, begin, end)
        if constraint["contype"] not in _ADDED_APART:
            kept += f" {piece}"
            nullable += "" if constraint["contype"] == "CONSTR_NOTNULL" else f" {piece}"
        elif constraint["contype"] == "CONSTR_CHECK":
            # PostgreSQL's own name for a CHECK that has none.
            name = constraint.get("conname", f"{table}_{column['colname']}_check")
            yield name, _Element(piece if "conname" in constraint else f"constraint {identifier(name)} {piece}")
    yield column["colname"], _Element(kept, nullable)


def _element_text(text: str, start: int, limit: int) -> str:
    """From `start` to the comma or parenthesis that ends the element, `limit` at the latest; white space folded."""
    from pglast import parser

    depth, previous, folded = 0, 0, ""
    for token in parser.scan(text[start:limit]):
        if token.name.endswith("COMMENT"):
            continue
        word = text[start + token.start : start + token.end + 1]
        if depth == 0 and word in (",", ")"):
            break
        depth += (word == "(") - (word == ")")
        folded += (" " if token.start > previous else "") + word
        previous = token.end + 1
    return folded

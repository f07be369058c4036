"""A table, column or other object that no earlier file creates.

## What it does
Reports statements on a table in a schema whose creation was seen, where no file before it created the table or one
dropped or renamed it, columns of such a type, functions in SQL that read or change such a table, and statements that
name a column its table does not have. So it does with constraints, policies and triggers of tables that were seen, with
indexes, and with functions and the types of their arguments. Where the name stands anywhere in an earlier file (for one
that is gone: since then; for a table: as more than a column), or that of a column in a DO block or function there, the
rule says nothing; nor does it in a schema that an extension or IMPORT FOREIGN SCHEMA fills.

## Why is this bad?
The migration fails with 42P01 (or 42703, 42704, 42883) on a database built from these files: a slip of the pen, a file
in the wrong order, or a table somebody made by hand in one database.

## Example
```sql
create schema shop;
create table shop.items (
    id bigint primary key
);
alter table shop.item add column name text;
```

## Use instead
```sql
create schema shop;
create table shop.items (
    id bigint primary key
);
alter table shop.items add column name text;
```
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dbkit.lint.engine import Context
from dbkit.lint.files import MIGRATION
from dbkit.lint.model import Key
from dbkit.lint.names_in_text import is_named_before, is_named_in, names_in_comments
from dbkit.lint.needs import NAMING_COLUMNS, NEEDING, missing_columns, needed_relations
from dbkit.lint.parts import COMMANDS, NAMING_PARTS, Part, missing_parts
from dbkit.lint.rule import FUNCTION, Hit, Rule
from dbkit.lint.trees import COLUMN_STATEMENTS, as_text, column_definitions, column_type, names
from dbkit.parse import Body, Node, Statement
from dbkit.report import Severity

rule = Rule(
    code="C168",
    severity=Severity.ERROR,
    lock="fails 42P01, 42703, 42704 or 42883",
    files=frozenset({MIGRATION}),
    bodies=frozenset({FUNCTION}),  # a DO block asks what there is before it names it
)

# What brings tables that no file spells.
_MAKERS = ("DoStmt", "CreateExtensionStmt", "ImportForeignSchemaStmt", "CallStmt")


@rule.on(*NEEDING)
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    if statement.node.get("missing_ok") or statement.node.get("objtype") == "OBJECT_TYPE":
        return
    if context.body is not None and not _is_checked(context.body, context):
        return
    unknown = [item for item in needed_relations(statement) if _is_unknown(item, statement, context)]
    for relation in unknown:
        name = context.state.name(relation)
        close = _close(relation["relname"], _tables_of(relation, context))
        yield Hit(
            f"no file before this creates {name}",
            at=statement.offset(relation),
            object=name,
            hint=f"Did you mean {relation['schemaname']}.{close}?" if close else None,
        )
    if not unknown and statement.tag in NAMING_COLUMNS and context.body is None:
        yield from _columns(statement, context)


def _is_checked(body: Body, context: Context) -> bool:
    """Whether CREATE FUNCTION looks the names of a body up."""
    return body.language == "sql" and "check_function_bodies" not in context.file.lower


@rule.on("CreateTrigStmt", "AlterEnumStmt")
def check_objects(statement: Statement, context: Context) -> Iterator[Hit]:
    """Functions of triggers and enums, by their qualified names."""
    if context.body is not None:
        return
    is_trigger = statement.tag == "CreateTrigStmt"
    parts = names(statement.node["funcname" if is_trigger else "typeName"])
    known = context.state.functions if is_trigger else context.state.types
    if len(parts) < 2 or parts[-2] not in context.state.schemas or context.state.object_key(parts) in known:
        return
    spelled = _is_spelled_before(parts[-1], statement, context)
    if not spelled and not _is_filled_unseen(parts[-2], statement, context):
        label = ".".join(parts)
        yield Hit(f"no file before this creates {label}", at=statement.start, object=label)


@rule.on(*COLUMN_STATEMENTS)
def check_types(statement: Statement, context: Context) -> Iterator[Hit]:
    """Types of columns, by their qualified names."""
    if context.body is not None:
        return
    for name, column in column_definitions(statement):
        schema, _, kind = column_type(column).rpartition(".")
        if schema not in context.state.schemas:
            continue
        key = (schema, kind)
        if key in context.state.types or key in context.state.tables or key in context.state.views:
            continue
        if not _is_spelled_before(kind, statement, context) and not _is_filled_unseen(schema, statement, context):
            yield Hit(
                f"no file before this creates the type {schema}.{kind} of {name}",
                at=statement.offset(column),
                object=f"{schema}.{kind}",
            )


@rule.on_alter(*COMMANDS)
@rule.on(*NAMING_PARTS)
def check_parts(statement: Statement, context: Context) -> Iterator[Hit]:
    """Constraints, policies, triggers, indexes and functions, by the tables and schemas that were seen."""
    if context.body is not None:
        return
    for part in missing_parts(statement, context.state):
        if part.schema in context.state.schemas and not _is_made_unseen(part, statement, context):
            yield Hit(f"there is no {part.label} when this runs", at=statement.start, object=part.label)


# ---------------------------------------------------------------------------------------------------------------------
# Tables
# ---------------------------------------------------------------------------------------------------------------------


def _is_unknown(relation: Node, statement: Statement, context: Context) -> bool:
    if relation.get("schemaname") not in context.state.schemas:
        return False
    key = context.state.key(relation)
    table = context.state.tables.get(key)
    if key in context.state.views or (table is not None and table.known):
        return False
    if key in context.state.index_keys():  # alter table names indexes, too
        return False
    name = relation["relname"]
    # The sequence of an identity column is named after it and spelled nowhere.
    if name.endswith("_seq") or _is_spelled_since(key, statement, context):
        return False
    return not _is_filled_unseen(relation["schemaname"], statement, context)


def _is_spelled_before(name: str, statement: Statement, context: Context) -> bool:
    here = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", context.file.text[: statement.start])
    return here is not None or is_named_before(name, context)


def _is_spelled_since(key: Key, statement: Statement, context: Context) -> bool:
    """Whether a table or index is named before a statement: behind what dropped or renamed it, where something did."""
    gone = context.state.gone.get(key)
    if gone is None:
        return _is_spelled_before(key[1], statement, context) and _may_mean_a_table(key[1], statement, context)
    word, (file, last) = re.compile(rf"(?<!\w){re.escape(key[1])}(?!\w)"), gone
    place = context.series.place
    if file is context.file:
        return word.search(file.text, last.end, statement.start) is not None
    if word.search(file.text, last.end) or word.search(context.file.text, 0, statement.start):
        return True
    return any(is_named_in(other, key[1]) for other in context.series.files[place[file] + 1 : place[context.file]])


# Statements whose trees tell whether a name in them is that of a table.
_PLAIN = frozenset({"CreateStmt", "CreateTableAsStmt", "ViewStmt", "IndexStmt", "AlterTableStmt", "InsertStmt"})


def _may_mean_a_table(name: str, statement: Statement, context: Context) -> bool:
    """Whether one of the places that spell a name before a statement may speak of a table, not only of a column."""
    before = context.series.files[: context.series.place[context.file] + 1]
    if any(file.script.problems or name in names_in_comments(file.text) for file in before):
        return True
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    in_tree = re.compile(rf'"relname": "{re.escape(name)}"|"sval": {{"sval": "[^"]*(?<!\w){re.escape(name)}(?!\w)')
    return any(
        item.tag not in _PLAIN or in_tree.search(as_text(item.node)) is not None
        for item in _statements_before(statement, context)
        if word.search(item.text)
    )


def _is_filled_unseen(schema: str, statement: Statement, context: Context) -> bool:
    """Whether something before the statement may have made tables in a schema without naming them."""
    for item in _statements_before(statement, context):
        if item.tag in _MAKERS:
            text = as_text(item.node).lower()
            if schema.lower() in text and (item.tag != "DoStmt" or _MAKING_TABLE.search(text)):
                return True
    return False


def _is_made_unseen(part: Part, statement: Statement, context: Context) -> bool:
    """Whether something before the statement may have made a part of a table, an index or a function."""
    if not part.known:
        spelled = _is_spelled_before(part.name, statement, context)
    else:
        spelled = part.kind == "index" and _is_spelled_since((part.schema, part.name), statement, context)
    if spelled or _is_filled_unseen(part.schema, statement, context):
        return True
    for item in _statements_before(statement, context):
        if item.tag in ("DoStmt", "CallStmt", "CreateFunctionStmt", "SelectStmt", "DefineStmt"):
            text = as_text(item.node).lower()
            # A function of an extension that is called with the table's name may do anything to it.
            if item.tag in ("SelectStmt", "CallStmt") and "fromClause" not in item.node and part.owner in text:
                return True
            if item.tag == "DefineStmt" and part.name in text:
                return True
            if item.tag in ("DoStmt", "CreateFunctionStmt") and "execute" in text and part.kind in text:
                return True
    return any(file.script.problems for file in context.series.files[: context.series.place[context.file] + 1])


_MAKING_TABLE = re.compile(r"\bcreate\s+(?:\w+\s+)?(?:table|view)\b[^;]*%|\|\|")


def _statements_before(statement: Statement, context: Context) -> Iterator[Statement]:
    for file in context.series.files[: context.series.place[context.file]]:
        yield from file.script.statements
    for item in context.file.script.statements:
        if item.start >= statement.start:
            return
        yield item


def _tables_of(relation: Node, context: Context) -> list[str]:
    return [name for schema, name in context.state.tables if schema == relation["schemaname"]]


# ---------------------------------------------------------------------------------------------------------------------
# Columns
# ---------------------------------------------------------------------------------------------------------------------


def _columns(statement: Statement, context: Context) -> Iterator[Hit]:
    for column, where, node, known in missing_columns(statement, context.state):
        if not _may_be_added_unseen(column, statement, context):
            close = _close(column, known)
            yield Hit(
                f"{where} has no column {column}",
                at=statement.offset(node),
                object=where,
                hint=f"Did you mean {close}?" if close else None,
            )


def _may_be_added_unseen(column: str, statement: Statement, context: Context) -> bool:
    """Whether a statement before this one that the replay cannot follow spells the column."""
    before = context.series.files[: context.series.place[context.file] + 1]
    if any(file.script.problems for file in before):
        return True
    word = re.compile(rf"(?<!\w){re.escape(column)}(?!\w)")
    return any(
        item.tag in ("DoStmt", "CreateFunctionStmt", "CallStmt", "SelectStmt") and word.search(as_text(item.node))
        for item in _statements_before(statement, context)
    )


def _close(name: str, known: Collection[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, known, n=1)), None)

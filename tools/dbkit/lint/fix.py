"""Mechanical repairs: the edits that rules propose with a hit, computed from the text and its tree.

A repair is asked for only under `--fix` or `--diff`. A function here returns None where the text leaves any doubt; what
a repair did is proven by linting the result (`dbkit.lint.apply`), not by trust in this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from dbkit.lint.trees import SERIALS, column_type, commands, constant, names, type_modifiers
from dbkit.parse import Node, Statement
from dbkit.patterns import lazy_pattern

if TYPE_CHECKING:
    from dbkit.lint.engine import Context
    from dbkit.lint.sections import Section

__all__ = [
    "Edit",
    "Fix",
    "FollowUp",
    "before_statement",
    "concurrently",
    "constraint_name",
    "delete_rule",
    "force_row_security",
    "identity",
    "name_constraints",
    "not_valid",
    "retype",
    "safe_setting",
    "text_with_check",
    "to_roles",
    "without_if_not_exists",
]


class Edit(NamedTuple):
    """Replace the characters from start up to, without, end."""

    start: int
    end: int
    text: str


class FollowUp(NamedTuple):
    """A migration to be written behind the one that is repaired.

    Attributes:
        name: its name without version and ending.
        title: what it does, one sentence without period.
        sql: its statement; `down` its way back, empty where there is nothing to undo.
        transaction: whether it may run in a transaction.
    """

    name: str
    title: str
    sql: str
    down: str = ""
    transaction: bool = True


class Fix(NamedTuple):
    """Edits of the file with the finding, and files that must follow it."""

    edits: tuple[Edit, ...]
    follow_up: tuple[FollowUp, ...] = ()


# ---------------------------------------------------------------------------------------------------------------------
# Columns
# ---------------------------------------------------------------------------------------------------------------------

_TIMESTAMP = lazy_pattern(r"timestamp(?P<precision>\s*\(\s*\d+\s*\))?(?:\s+without\s+time\s+zone\b)?", re.IGNORECASE)
_JSON = lazy_pattern(r"json\b", re.IGNORECASE)
_SERIAL = lazy_pattern(r"(?:small|big)?serial\b|serial[248]\b", re.IGNORECASE)
_CHARACTERS = lazy_pattern(
    r"(?:national\s+)?(?:character\s+varying|char\s+varying|varchar|character|nchar|char|bpchar)\b(?:\s*\(\s*\d+\s*\))?",
    re.IGNORECASE,
)
_TYPES = {"timestamptz": _TIMESTAMP, "jsonb": _JSON}


def retype(statement: Statement, column: Node, wanted: str) -> Fix | None:
    """Write timestamptz or jsonb for the column's type. A column that exists already would be rewritten: None."""
    match = _type_at(statement, column, _TYPES[wanted])
    if match is None or _is_changed(statement, column):
        return None
    precision = match.groupdict().get("precision") or ""
    return Fix((_replaced(match, wanted + precision),))


def identity(statement: Statement, column: Node) -> Fix | None:
    """Write an identity column for a serial one."""
    match = _type_at(statement, column, _SERIAL)
    if match is None or column_type(column) not in SERIALS:
        return None
    base = "smallint" if column_type(column) in ("smallserial", "serial2") else "bigint"
    return Fix((_replaced(match, f"{base} generated always as identity"),))


def text_with_check(statement: Statement, column: Node) -> Fix | None:
    """Write text for varchar(n) or char(n), with a named check of the length; only in CREATE TABLE."""
    match = _type_at(statement, column, _CHARACTERS)
    limit = type_modifiers(column)
    name = column.get("colname", "")
    if match is None or statement.tag != "CreateStmt" or len(limit) > 1 or not _PLAIN_NAME.fullmatch(name):
        return None
    length = limit[0] if limit else 1  # char is char(1)
    table = statement.node["relation"]["relname"]
    check = f"text constraint {table}_{name}_length check (length({name}) <= {length})"
    return Fix((_replaced(match, check),))


_PLAIN_NAME = lazy_pattern(r"[a-z_][a-z0-9_]*")


def _type_at(statement: Statement, column: Node, pattern: re.Pattern[str]) -> re.Match[str] | None:
    node = column.get("typeName", {})
    if "arrayBounds" in node:
        return None
    return pattern.match(statement.script.text, statement.offset(node), statement.end)


def _is_changed(statement: Statement, column: Node) -> bool:
    """Whether the definition gives an existing column another type."""
    return any(
        command["subtype"] == "AT_AlterColumnType" and command["def"].get("ColumnDef") is column
        for command in commands(statement.node)
    )


def _replaced(match: re.Match[str], text: str) -> Edit:
    return Edit(match.start(), match.end(), text)


# ---------------------------------------------------------------------------------------------------------------------
# Settings and policies
# ---------------------------------------------------------------------------------------------------------------------


def safe_setting(statement: Statement, call: Node, context: Context) -> Fix | None:
    """Give current_setting() its second argument and put nullif() around it."""
    text = statement.script.text
    start = statement.offset(call)
    body = context.body
    if body is not None and text[body.offset - 1 : body.offset] == "'":
        return None  # quotes inside would have to be doubled
    match = _SETTING.match(text, start, statement.end)
    if match is None or constant(call["args"][0]) is None:
        return None
    safe = f"{match['function']}({match['name']}, true)"
    if not _NULLIF.search(text, max(0, start - 40), start):
        safe = f"nullif({safe}, '')"
    return Fix((Edit(start, match.end(), safe),))


_SETTING = lazy_pattern(
    r"(?P<function>(?:pg_catalog\.)?current_setting)\s*\(\s*(?P<name>'[^']*')\s*(?:,\s*(?:true|false)\s*)?\)",
    re.IGNORECASE,
)
_NULLIF = lazy_pattern(r"\bnullif\s*\(\s*\Z", re.IGNORECASE)


def to_roles(statement: Statement, roles: Iterable[str]) -> Fix | None:
    """Let a policy name the application's roles where it names none, or PUBLIC."""
    listed = ", ".join(sorted(roles))
    if not listed or statement.tag != "CreatePolicyStmt":
        return None
    text = statement.script.text
    for role in (item["RoleSpec"] for item in statement.node.get("roles", ())):
        if role.get("location", -1) >= 0:
            at = statement.offset(role)
            word = re.compile(r"public\b", re.IGNORECASE).match(text, at)
            return Fix((Edit(at, word.end(), listed),)) if word and len(statement.node["roles"]) == 1 else None
    for token in _tokens(text, statement.start, statement.end):
        if token.depth == 0 and token.word in ("using", "with"):
            return Fix((Edit(token.start, token.start, f"to {listed} "),))
    return Fix((Edit(statement.end, statement.end, f" to {listed}"),))


def force_row_security(statement: Statement) -> Fix:
    """FORCE right behind the ENABLE, in the same ALTER TABLE."""
    return Fix((Edit(statement.end, statement.end, ", force row level security"),))


# ---------------------------------------------------------------------------------------------------------------------
# Constraints
# ---------------------------------------------------------------------------------------------------------------------


def name_constraints(statement: Statement, nameless: Iterable[tuple[Node, str]]) -> Fix | None:
    """Write `constraint <name>` before each nameless constraint.

    Args:
        nameless: the constraint and the name it gets.
    """
    edits = tuple(
        Edit(at, at, f"constraint {name} ")
        for node, name in nameless
        if (at := statement.offset(node)) > statement.start and _PLAIN_NAME.fullmatch(name) and len(name) < 64
    )
    return Fix(edits) if edits else None


def not_valid(statement: Statement, constraint: Node) -> Fix | None:
    """NOT VALID here, VALIDATE in a migration of its own."""
    name = constraint.get("conname", "")
    relation = statement.node["relation"]
    if not _PLAIN_NAME.fullmatch(name):
        return None
    at = _element_end(statement.script.text, statement.offset(constraint), statement.end)
    written = ".".join(part for part in (relation.get("schemaname"), relation["relname"]) if part)
    table = relation["relname"]
    follow_up = FollowUp(
        f"alter_table_{table}_validate_{name}",
        f"Validate {name} of {written}",
        f"alter table {written} validate constraint {name};",
    )
    return Fix((Edit(at, at, " not valid"),), (follow_up,))


def delete_rule(text: str, start: int) -> Fix | None:
    """Write out what a foreign key does by default, NO ACTION, behind the table and columns it references.

    Args:
        start: offset of the constraint.
    """
    for token in _tokens(text, start, len(text)):
        if token.depth < 0 or (token.depth == 0 and token.word in (",", ";")):
            break
        if token.word == "references":
            match = _REFERENCES.match(text, token.start)
            if match is None or _COMMENT_AHEAD.match(text, match.end()):
                break  # what stands behind the comment may belong to it
            return Fix((Edit(match.end(), match.end(), " on delete no action"),))
    return None


_REFERENCES = lazy_pattern(
    r"""references\s+(?:[\w$]+|"(?:[^"]|"")*")(?:\s*\.\s*(?:[\w$]+|"(?:[^"]|"")*"))*
    (?:\s*\([^()]*\))?(?:\s+match\s+(?:full|simple)\b)?""",
    re.IGNORECASE | re.VERBOSE,
)
_COMMENT_AHEAD = lazy_pattern(r"\s*(?:--|/\*)")


# ---------------------------------------------------------------------------------------------------------------------
# Statements
# ---------------------------------------------------------------------------------------------------------------------


def without_if_not_exists(statement: Statement) -> Fix | None:
    """Take IF NOT EXISTS out of a statement."""
    match = re.compile(r"if\s+not\s+exists\s+", re.IGNORECASE).search(
        statement.script.text, statement.start, statement.end
    )
    return Fix((Edit(match.start(), match.end(), ""),)) if match else None


def before_statement(statement: Statement, line: str, section: Section) -> Fix | None:
    """A line of its own before a statement of a transaction."""
    if not section.transactional:
        return None  # SET LOCAL would do nothing
    return Fix((Edit(statement.start, statement.start, f"{line}\n"),))


def concurrently(statement: Statement, section: Section, *, movable: bool = False) -> Fix | None:
    """CONCURRENTLY behind the kind of object.

    Args:
        movable: in a transaction, move CREATE INDEX to a migration of its own.
    """
    text = statement.script.text
    match = _OBJECT.match(text, statement.start, statement.end)
    if match is None:
        return None
    edit = Edit(match.end(), match.end(), " concurrently")
    if not section.transactional:
        return Fix((edit,))
    mark = _MARK.search(text, section.start)
    if not movable or mark is None or not statement.node.get("idxname"):
        return None
    inside = [item for item in statement.script.statements if section.start <= item.start < section.end]
    if all(item is statement for item in inside):
        return Fix((Edit(mark.end(), mark.end(), " transaction:false"), edit))
    index = statement.node["idxname"]
    schema = statement.node["relation"].get("schemaname")
    if re.search(rf"\b{re.escape(index)}\b", text[section.end :]) or not _PLAIN_NAME.fullmatch(index):
        return None  # the way back drops it there
    sql = f"{text[statement.start : match.end()]} concurrently{text[match.end() : statement.end]};"
    down = f"drop index concurrently {f'{schema}.' if schema else ''}{index};"
    follow_up = FollowUp(f"idx_{index}", f"Build {index} while the table is in use", sql, down, transaction=False)
    behind = re.compile(r"\s*;[ \t]*\n*").match(text, statement.end)
    return Fix((Edit(statement.start, behind.end() if behind else statement.end, ""),), (follow_up,))


_OBJECT = lazy_pattern(
    r"create\s+(?:unique\s+)?index|drop\s+index|reindex\s*(?:\([^)]*\)\s*)?(?:index|table|schema|database)"
    r"|refresh\s+materialized\s+view",
    re.IGNORECASE,
)
_MARK = lazy_pattern(r"--[ \t]*migrate:up\b")


# ---------------------------------------------------------------------------------------------------------------------
# Text
# ---------------------------------------------------------------------------------------------------------------------


class _Token(NamedTuple):
    """A token and how deep in brackets it stands; `word` in lower case."""

    word: str
    start: int
    end: int
    depth: int


_TOKEN = lazy_pattern(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$.*?\$\1\$|[\w.$]+|[^\s\w]""", re.DOTALL
)


def _tokens(text: str, start: int, end: int) -> Iterable[_Token]:
    depth = 0
    for match in _TOKEN.finditer(text, start, end):
        word = match.group().lower()
        if word.startswith(("--", "/*")):
            continue
        depth -= word in (")", "]")
        yield _Token(word, match.start(), match.end(), depth)
        depth += word in ("(", "[")


def _element_end(text: str, start: int, limit: int) -> int:
    """Where an element of a list ends: before the comma, bracket or semicolon that is not its own."""
    end = start
    for token in _tokens(text, start, limit):
        if token.depth < 0 or (token.depth == 0 and token.word in (",", ";")):
            break
        end = token.end
    return end


def constraint_name(table: str, constraint: Node, columns: Iterable[str], taken: set[str]) -> str:
    """The name PostgreSQL would give, made unlike those taken; it is added to them."""
    suffix = {"CONSTR_UNIQUE": "key", "CONSTR_FOREIGN": "fkey", "CONSTR_EXCLUSION": "excl"}
    kind = suffix.get(constraint["contype"], "check")
    own = names(constraint.get("fk_attrs", ()) or constraint.get("keys", ())) or list(columns)
    base = "_".join((table, *own, kind))
    name, number = base, 0
    while name in taken:
        number += 1
        name = f"{base}{number}"
    taken.add(name)
    return name

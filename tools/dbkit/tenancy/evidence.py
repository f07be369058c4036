"""What policies say about the tenant column, for schemas whose columns are named like nothing we know.

A policy that compares a column with the caller's context (a setting, a function, the login role) names the column that
says whose row it is, whatever it is called: `depot_id = fleet.depot()`, `left(fleet_id::text, 8) = left(…)`. Where the
context names a user only, the table that pairs what is compared with something referenced is the memberships.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import permutations
from typing import Any

from dbkit.tenancy.relations import TEXTS_KEPT, Relations, Table

__all__ = [
    "columns_of_context",
    "compared_alike",
    "compared_columns",
    "login_columns",
    "paired_columns",
    "registry_columns",
]

_BY_LOGIN = re.compile(
    r"(\w+)\)?(?:::\w+)?\s*=\s*\(*(?:select\s+)?\(?(?:current_user|session_user|current_role)\b"
    r"|\b(?:current_user|session_user|current_role)\)?(?:::\w+)?\s*=\s*\(*(?:\w+\.)*(\w+)",
    re.IGNORECASE,
)
_NAMES = ("name", "text", "varchar", "bpchar", "citext")
# Functions that compare a part of a text.
_PARTIAL = ("starts_with", "strpos", "position")
# Tags of what an expression can learn about the caller; a constant learns nothing.
_CALLER = {"FuncCall", "SQLValueFunction", "SubLink"}


def compared_columns(relations: Relations) -> list[str]:
    """Columns that policies compare with the context, the likeliest tenant column first.

    A column that is a key by itself names the row and not whose row it is: it counts for the registry only, which is
    found by what references it. A column counts that references another table, or is compared in several tables.
    """
    counts: Counter[str] = Counter()
    functions = frozenset(name.rpartition(".")[2] for name in relations.sources)
    for table in relations.base_tables:
        keys = {key.columns for key in table.uniques}
        referencing = {key.columns for key in table.foreign_keys}
        asked = {name for policy in table.policies for text in policy.texts for name in _handed_over(text, functions)}
        for column in _compared(table) | (asked & table.columns.keys()):
            if (column,) not in keys and (column,) != table.primary_key:
                counts[column] += 10 if (column,) in referencing else 1
    return [column for column, count in counts.most_common() if count > 1]


def registry_columns(relations: Relations) -> list[str]:
    """Columns that reference a table whose own key policies compare with the context: a registry of tenants."""
    registries = {
        table.qualified
        for table in relations.base_tables
        if len(table.primary_key) == 1 and table.primary_key[0] in _compared(table)
    }
    counts = Counter(
        key.columns[0]
        for table in relations.base_tables
        for key in table.foreign_keys
        if len(key.columns) == 1 and key.target in registries and key.target != table.qualified
    )
    return [column for column, _ in counts.most_common()]


def paired_columns(relations: Relations, *, whole: bool = False) -> list[tuple[str, str]]:
    """(user column, tenant column) of tables that look like memberships: one is compared with the context, a key holds
    both and nothing else, and the other references the tenants.

    Args:
        whole: without those of which a part is compared, as of a path that begins with the user's id.
    """
    found: list[tuple[str, str]] = []
    for table in relations.base_tables:
        compared = _compared(table, whole=whole)
        referencing = {key.columns for key in table.foreign_keys}
        for key in table.uniques:
            names = tuple(name for name in key.columns if name)
            for user, tenant in permutations(names, 2) if len(key.columns) == 2 else ():
                if user in compared and tenant not in compared and (tenant,) in referencing:
                    found.append((user, tenant))
    return list(dict.fromkeys(found))


def compared_alike(
    relations: Relations, known: Mapping[str, Iterable[str]], *, written: bool = False
) -> dict[str, set[str]]:
    """Table -> columns that policies equate with what they equate known columns with: they hold the same kind of id.

    Args:
        known: table -> columns, such as those that hold a user's id.
        written: only columns that have to be the caller's in rows it writes; else a row may name somebody else in them.
    """
    equated = [
        (table.qualified, column, said, checks)
        for table in relations.base_tables
        for policy in table.policies
        for text, checks in ((policy.using, policy.command == "all" and not policy.check), (policy.check, True))
        if text
        for column, said in _equated(text, tuple(table.columns))
    ]
    of_known = {said for table, column, said, _ in equated if column in known.get(table, ())}
    found: dict[str, set[str]] = {}
    for table, column, said, checks in equated:
        if said in of_known and (checks or not written):
            found.setdefault(table, set()).add(column)
    return found


def columns_of_context(context: Iterable[str], relations: Relations) -> list[tuple[str, str]]:
    """(user column, tenant column) that a function of the context compares {user} and {tenant} with, in one table."""
    found: list[tuple[str, str]] = []
    for name, source in relations.sources.items():
        called = rf"\b{re.escape(name.rpartition('.')[2])}\s*\(([^()]*)\)"
        for arguments in re.findall(called, " ".join(context), re.IGNORECASE):
            given = [part.strip().partition("::")[0] for part in arguments.split(",")]
            for parameters in relations.parameters.get(name, ()):
                known = dict(zip(given, parameters, strict=False))
                if "{user}" in known and "{tenant}" in known:
                    found += _paired_in(source, known["{user}"], known["{tenant}"], relations)
    return list(dict.fromkeys(found))


def _paired_in(source: str, user: str, tenant: str, relations: Relations) -> Iterator[tuple[str, str]]:
    """Columns compared with two parameters, of which a table has a key over both."""

    def compared(parameter: str) -> set[str]:
        return set(re.findall(rf"(\w+)\s*=\s*(?:\w+\.)?{re.escape(parameter)}\b", source))

    for table in relations.base_tables:
        for key in table.uniques:
            for one, two in permutations(key.columns, 2) if len(key.columns) == 2 else ():
                if one in compared(user) and two in compared(tenant):
                    yield str(one), str(two)


def login_columns(relations: Relations) -> dict[str, tuple[str, ...]]:
    """Table -> columns that policies or functions compare with the name of the login role."""
    policies = [policy for table in relations.base_tables for policy in table.policies]
    texts = [text for policy in policies for text in policy.texts]
    names = {name for text in (*texts, *relations.sources.values()) for name in _by_login(text)}
    found = {
        table.qualified: tuple(
            column.name for column in table.columns.values() if column.name in names and column.base in _NAMES
        )
        for table in relations.base_tables
    }
    return {name: columns for name, columns in found.items() if columns}


@lru_cache(maxsize=TEXTS_KEPT)
def _by_login(text: str) -> frozenset[str]:
    """Names that a text compares with the login role."""
    return frozenset((first or second).lower() for first, second in _BY_LOGIN.findall(text))


def _compared(table: Table, *, whole: bool = False) -> set[str]:
    texts = [text for policy in table.policies for text in policy.texts]
    return {column for text in texts for column in _compared_in(text, tuple(table.columns), whole)}


@lru_cache(maxsize=TEXTS_KEPT)
def _compared_in(text: str, own: tuple[str, ...], whole: bool = False) -> frozenset[str]:
    """The table's own columns that stand alone on one side of a comparison with something about the caller.

    Args:
        whole: leave out those of which a part is compared, as of a path that begins with somebody's id.
    """
    from dbkit.lint.trees import walk
    from dbkit.parse import SyntaxFault, parse_tree

    try:
        tree = parse_tree(f"select {text}")
    except SyntaxFault:
        return frozenset()
    found: set[str] = set()
    for tag, node in walk(tree):
        if tag == "A_Expr":
            sides = (node.get("lexpr"), node.get("rexpr"))
        elif tag == "SubLink" and "testexpr" in node:
            sides = (node["testexpr"], {"SubLink": node})
        elif tag == "FuncCall" and len(node.get("args", ())) == 2 and _last_part(node["funcname"]) in _PARTIAL:
            sides = (node["args"][0], node["args"][1])
        else:
            continue
        for one, other in (sides, sides[::-1]):
            columns = _columns(one, own)
            parted = whole and any(tag in ("A_Indirection", "FuncCall") for tag, _ in walk([one]))
            if len(columns) == 1 and not parted and _asks_caller(other, own):
                found |= columns
    return frozenset(found)


@lru_cache(maxsize=TEXTS_KEPT)
def _handed_over(text: str, functions: frozenset[str]) -> frozenset[str]:
    """Columns that an expression gives a function of the database alone, to be told whether they are the caller's."""
    from dbkit.lint.trees import walk
    from dbkit.parse import SyntaxFault, parse_tree

    try:
        tree = parse_tree(f"select {text}")
    except SyntaxFault:
        return frozenset()
    calls = (node for tag, node in walk(tree) if tag == "FuncCall" and _last_part(node["funcname"]) in functions)
    given = (call["args"][0].get("ColumnRef") for call in calls if len(call.get("args", ())) == 1)
    return frozenset(_last_name(reference) for reference in given if reference)


@lru_cache(maxsize=TEXTS_KEPT)
def _equated(text: str, own: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(column, the functions called and the texts named on the other side) of each equality with the caller."""
    from dbkit.lint.trees import walk
    from dbkit.parse import SyntaxFault, parse_tree

    try:
        tree = parse_tree(f"select {text}")
    except SyntaxFault:
        return ()
    found = []
    for tag, node in walk(tree):
        if tag != "A_Expr" or "lexpr" not in node or _last_part(node["name"]) != "=":
            continue
        for one, other in ((node["lexpr"], node["rexpr"]), (node["rexpr"], node["lexpr"])):
            columns = _columns(one, own)
            if len(columns) == 1 and _asks_caller(other, own):
                said = tuple(sorted(_said(other)))
                if said:
                    found.append((next(iter(columns)), said))
    return tuple(found)


def _said(side: Any) -> Iterator[str]:
    """Functions called and texts named in an expression; where it reads a table, that as well."""
    from dbkit.lint.trees import walk

    for tag, node in walk([side]):
        if tag == "FuncCall":
            yield f"{_last_part(node['funcname'])}()"
        elif tag == "RangeVar":
            yield f"from {node['relname']}"
        elif tag == "A_Const" and "sval" in node:
            yield str(node["sval"].get("sval", ""))


def _columns(side: Any, own: tuple[str, ...]) -> set[str]:
    """The table's own columns an expression without a sub-select reads."""
    from dbkit.lint.trees import walk

    nodes = list(walk([side]))
    if any(tag == "SubLink" for tag, _ in nodes):
        return set()
    return {name for tag, node in nodes if tag == "ColumnRef" for name in [_last_name(node)] if name in own}


def _asks_caller(side: Any, own: tuple[str, ...]) -> bool:
    from dbkit.lint.trees import walk

    return not _columns(side, own) and any(tag in _CALLER for tag, _ in walk([side]))


def _last_part(names: Any) -> str:
    return str(names[-1]["String"]["sval"])


def _last_name(reference: Any) -> str:
    last = reference["fields"][-1]
    return str(last["String"]["sval"]) if "String" in last else ""

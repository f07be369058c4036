"""Read a function's body: what it touches, what it calls, and which argument meets which column.

The facts choose the arguments of the attacks and the names worth shadowing; they never prove anything by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from dbkit.parse import Node, bodies, embedded_statements, parse

__all__ = ["Binding", "BodyFacts", "Passed", "read_body"]

_DYNAMIC = re.compile(r"\bexecute\b(?!\s+(?:function|procedure|on)\b)", re.IGNORECASE)
_NOTIFY = re.compile(r"\b(?:pg_notify|notify)\b", re.IGNORECASE)
_JSON_KEY = re.compile(
    r"(?:->>?\s*|jsonb?_extract_path(?:_text)?\s*\(\s*\w+\s*,\s*|\?\s*)'([^']+)'|\[\s*'([^']+)'\s*\]", re.IGNORECASE
)
_JSON_PATH = re.compile(r"#>>?\s*'\{([^}']+)\}'")
_JSON_RECORD = re.compile(r"jsonb?_to_record(?:set)?\b[^;]*?\bas\b\s*\w*\s*\(([^;]*?)\)", re.IGNORECASE | re.DOTALL)
_WRITES = {"InsertStmt": "insert", "UpdateStmt": "update", "DeleteStmt": "delete", "MergeStmt": "update"}


@dataclass(frozen=True)
class Binding:
    """An argument that is compared with, or stored in, a column; `tables` are the unqualified names it may be of."""

    argument: int
    column: str
    tables: frozenset[str]


@dataclass(frozen=True)
class Passed:
    """An argument that is handed on: to which function, as which of its arguments, by place or by name."""

    argument: int
    schema: str
    name: str
    place: int | str


@dataclass
class BodyFacts:
    """What a body says.

    Attributes:
        relations: (schema or "", name) of every relation mentioned, without those of WITH.
        written: those of them that are inserted into, updated, deleted from or truncated.
        calls: (schema or "", name, argument count) of every function called.
        operators: operators written without a schema.
        bindings: where arguments meet columns.
        passed: where arguments are handed on to other functions.
        json_keys: keys that are taken out of json values.
        dynamic: SQL is put together at run time.
        notifies: NOTIFY or pg_notify is used.
        truncates: TRUNCATE is used.
        bound: the names were resolved when the function was made (`begin atomic`), so no search_path moves them.
        text: the body as written.
    """

    relations: set[tuple[str, str]] = field(default_factory=set)
    written: set[tuple[str, str]] = field(default_factory=set)
    calls: set[tuple[str, str, int]] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    bindings: list[Binding] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    json_keys: list[str] = field(default_factory=list)
    dynamic: bool = False
    notifies: bool = False
    truncates: bool = False
    bound: bool = False
    text: str = ""


@cache
def read_body(definition: str, name: str, arguments: tuple[str, ...]) -> BodyFacts:
    """The facts of one function; the same text is read once a process.

    Args:
        definition: what pg_get_functiondef gives.
        name: the function's unqualified name, which qualifies its arguments.
        arguments: names of the arguments a caller gives, in order; empty where one has no name.
    """
    facts = BodyFacts()
    names = {argument: number for number, argument in enumerate(arguments) if argument}
    for statement in parse(definition).statements:
        trees: list[Any] = []
        facts.text = " ".join(body.text for body in bodies(statement))
        for body in bodies(statement):
            trees += [{inner.tag: inner.node} for inner in embedded_statements(body)]
        if "sql_body" in statement.node:
            facts.bound = True
            facts.text = definition
            trees.append(statement.node["sql_body"])
        for tree in trees:
            _read_tree(facts, tree, name, names)
    facts.dynamic = bool(_DYNAMIC.search(facts.text)) and not facts.bound
    facts.notifies = bool(_NOTIFY.search(facts.text))
    facts.json_keys = list(dict.fromkeys(_json_keys(facts.text)))
    return facts


def _json_keys(text: str) -> Iterator[str]:
    for pair in _JSON_KEY.findall(text):
        yield pair[0] or pair[1]
    for path in _JSON_PATH.findall(text):
        yield path.split(",")[-1].strip()
    for columns in _JSON_RECORD.findall(text):
        for column in columns.split(","):
            words = column.split()
            if words:
                yield words[0].strip('"')


def _walk(tree: Any) -> Iterator[tuple[str, Node]]:
    """Every (key, node) in a tree, the node being a dict below that key."""
    if isinstance(tree, list):
        for item in tree:
            yield from _walk(item)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if isinstance(value, dict):
                yield key, value
            yield from _walk(value)


def _read_tree(facts: BodyFacts, tree: Node, function: str, arguments: dict[str, int]) -> None:
    common = {node["ctename"] for key, node in _walk(tree) if key == "CommonTableExpr"}
    relations = {
        (node.get("schemaname", ""), node["relname"])
        for _, node in _walk(tree)
        if "relname" in node and (node.get("schemaname") or node["relname"] not in common)
    }
    facts.relations |= relations
    tables = frozenset(name for _, name in relations)
    for key, node in _walk(tree):
        if key in _WRITES:
            target = node["relation"]
            facts.written.add((target.get("schemaname", ""), target["relname"]))
            _bind_stored(facts, key, node, function, arguments)
        elif key == "TruncateStmt":
            facts.truncates = True
        elif key == "FuncCall":
            parts = _strings(node["funcname"])
            schema, name = parts[-2] if len(parts) > 1 else "", parts[-1]
            facts.calls.add((schema, name, len(node.get("args", ()))))
            for place, given in enumerate(node.get("args", ())):
                at = given["NamedArgExpr"]["name"] if "NamedArgExpr" in given else place
                facts.passed += [Passed(n, schema, name, at) for n in sorted(_arguments_in(given, function, arguments))]
        elif key == "A_Expr":
            _read_operator(facts, node, tables, function, arguments)


def _read_operator(
    facts: BodyFacts, node: Node, tables: frozenset[str], function: str, arguments: dict[str, int]
) -> None:
    parts = _strings(node.get("name", ()))
    if len(parts) == 1 and not parts[0].isalpha():
        facts.operators.add(parts[0])
    left, right = node.get("lexpr", {}), node.get("rexpr", {})
    for one, other in ((left, right), (right, left)):
        for argument in sorted(_arguments_in(one, function, arguments)):
            for column in sorted(_columns_in(other, function, arguments)):
                facts.bindings.append(Binding(argument, column, tables))


def _bind_stored(facts: BodyFacts, tag: str, node: Node, function: str, arguments: dict[str, int]) -> None:
    """Arguments that INSERT and UPDATE store: by place in the column list, or by the name they are set to."""
    tables = frozenset({node["relation"]["relname"]})
    pairs: list[tuple[str, Any]] = []
    if tag == "InsertStmt":
        columns = [column["ResTarget"]["name"] for column in node.get("cols", ())]
        select = node.get("selectStmt", {}).get("SelectStmt", {})
        lists = [values["List"]["items"] for values in select.get("valuesLists", ())] or [select.get("targetList", [])]
        pairs = [pair for values in lists for pair in zip(columns, values, strict=False)]
    elif tag == "UpdateStmt":
        pairs = [(t["ResTarget"]["name"], t["ResTarget"].get("val")) for t in node["targetList"] if "ResTarget" in t]
    for column, value in pairs:
        for argument in sorted(_arguments_in(value, function, arguments)):
            facts.bindings.append(Binding(argument, column, tables))


def _references(tree: Any) -> Iterator[list[str]]:
    for key, node in _walk([tree]):
        if key == "ColumnRef":
            yield _strings(node.get("fields", ()))


def _arguments_in(tree: Any, function: str, arguments: dict[str, int]) -> set[int]:
    found = {node["number"] - 1 for key, node in _walk([tree]) if key == "ParamRef" and "number" in node}
    for parts in _references(tree):
        if parts and parts[-1] in arguments and (len(parts) == 1 or parts[:-1] == [function]):
            found.add(arguments[parts[-1]])
    return found


def _columns_in(tree: Any, function: str, arguments: dict[str, int]) -> set[str]:
    return {
        parts[-1]
        for parts in _references(tree)
        if parts and not (parts[-1] in arguments and (len(parts) == 1 or parts[:-1] == [function]))
    }


def _strings(nodes: Iterable[Any]) -> list[str]:
    return [node["String"].get("sval", "") for node in nodes if "String" in node]

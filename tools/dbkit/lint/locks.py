"""Which lock a statement takes on which table: the measured facts in locks.toml, asked by rules and by the trace."""

from __future__ import annotations

import tomllib
from enum import IntEnum
from functools import cache
from pathlib import Path

from dbkit.lint.trees import commands, constraints_of, dropped_names, range_var
from dbkit.parse import Node, Statement

__all__ = ["Lock", "lock_table", "locking_tags", "locks_of"]


class Lock(IntEnum):
    """Table lock modes from the weakest to the strongest, as PostgreSQL numbers them."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    def __str__(self) -> str:
        return self.name.replace("_", " ")

    @classmethod
    def parse(cls, text: str) -> Lock:
        """'ACCESS EXCLUSIVE' -> Lock. Raises KeyError on anything else."""
        return cls[text.replace(" ", "_")]


@cache
def lock_table(major: int | None = None) -> dict[str, dict[str, Lock]]:
    """The shipped facts: kind of statement, or of ALTER TABLE subcommand, -> lock on the table it names.

    Args:
        major: a PostgreSQL major; None for the oldest that is supported.
    """
    raw = tomllib.loads((Path(__file__).parent / "locks.toml").read_text())
    newer = {int(name.removeprefix("postgres")): raw.pop(name) for name in list(raw) if name.startswith("postgres")}
    for number in sorted(newer):
        for section, modes in newer[number].items() if major is not None and number <= major else ():
            raw[section] |= modes
    return {section: {name: Lock.parse(mode) for name, mode in modes.items()} for section, modes in raw.items()}


@cache
def locking_tags() -> frozenset[str]:
    """Kinds of statements that can take SHARE ROW EXCLUSIVE or a stronger lock."""
    strong = {name.split()[0] for name, lock in lock_table()["statement"].items() if lock >= Lock.SHARE_ROW_EXCLUSIVE}
    return frozenset({*strong, "AlterTableStmt", "DropStmt", "LockStmt"})


def locks_of(statement: Statement) -> list[tuple[Node, Lock]]:
    """(RangeVar, lock) of every table a statement locks, for statements that change definitions or lock by name.

    Rows locked and read by INSERT, UPDATE, DELETE and SELECT are not listed.
    """
    facts, node = lock_table(), statement.node
    if statement.tag == "AlterTableStmt":
        return _alter_table(node, facts)
    if statement.tag == "CreateStmt":
        return _create_table(node, facts["statement"])
    if statement.tag == "DropStmt":
        mode = facts["drop"].get(node["removeType"])
        if mode is None or node.get("concurrent"):
            return []
        # A policy or trigger is named behind its table.
        itself = node["removeType"] == "OBJECT_TABLE"
        return [(range_var(parts if itself else parts[:-1]), mode) for parts in dropped_names(node)]
    if statement.tag == "LockStmt":
        return [(item["RangeVar"], Lock(node["mode"])) for item in node["relations"]]
    if statement.tag == "TruncateStmt":
        return [(item["RangeVar"], facts["statement"]["TruncateStmt"]) for item in node["relations"]]
    mode = facts["statement"].get(_variant(statement))
    relation = node.get("relation") or node.get("table")
    return [(relation, mode)] if mode is not None and isinstance(relation, dict) and "relname" in relation else []


def _create_table(node: Node, facts: dict[str, Lock]) -> list[tuple[Node, Lock]]:
    found = []
    if "partbound" in node:
        found += [(parent["RangeVar"], facts["CreateStmt partition"]) for parent in node.get("inhRelations", ())]
    for element in node.get("tableElts", ()):
        for constraint in _constraints(element):
            if "pktable" in constraint:
                found.append((constraint["pktable"], facts["CreateStmt foreign key"]))
    return found


def _alter_table(node: Node, facts: dict[str, dict[str, Lock]]) -> list[tuple[Node, Lock]]:
    if node.get("objtype") != "OBJECT_TABLE":
        return []
    found, strongest = [], Lock.ACCESS_SHARE
    for command in commands(node):
        definition = command.get("def", {})
        name = command["subtype"]
        for constraint in _constraints(definition):
            if "pktable" in constraint:
                found.append((constraint["pktable"], facts["statement"]["CreateStmt foreign key"]))
                if name == "AT_AddConstraint":
                    name = "AT_AddConstraint foreign key"
        partition = definition.get("PartitionCmd", {})
        if name == "AT_AttachPartition":
            found.append((partition["name"], facts["alter"]["AT_AttachPartition child"]))
        if partition.get("concurrent"):
            name = "AT_DetachPartition concurrently"
        strongest = max(strongest, facts["alter"].get(name, Lock.ACCESS_EXCLUSIVE))
    return [*found, (node["relation"], strongest)]


def _constraints(element: Node) -> list[Node]:
    return [element["Constraint"]] if "Constraint" in element else constraints_of(element.get("ColumnDef", {}))


def _variant(statement: Statement) -> str:
    if statement.node.get("concurrent"):
        return f"{statement.tag} concurrently"
    if statement.tag == "RenameStmt" and statement.node["renameType"] not in ("OBJECT_TABLE", "OBJECT_COLUMN"):
        return ""
    if statement.tag == "AlterObjectSchemaStmt" and statement.node.get("objectType") != "OBJECT_TABLE":
        return ""
    return statement.tag

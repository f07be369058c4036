"""Questions about the bodies of a live database's functions."""

from __future__ import annotations

import re

from dbkit.catalog import Function
from dbkit.lint.routines import body_statements
from dbkit.lint.trees import relations_in
from dbkit.parse import parse

__all__ = ["is_bound", "unqualified_table"]

_BOUND = re.compile(r"^\s*(?:BEGIN ATOMIC|RETURN\b)", re.IGNORECASE | re.MULTILINE)


def is_bound(function: Function) -> bool:
    """Whether its body was resolved when it was created."""
    text = function.body or ""
    return function.language == "sql" and _BOUND.match(text) is not None


def unqualified_table(function: Function) -> str | None:
    """A table its body names without a schema, temporary ones and those of WITH left out."""
    for statement in parse(f"{function.statement};").statements:
        for inside in body_statements(statement):
            for relation in relations_in({inside.tag: inside.node}):
                if "schemaname" not in relation:
                    return str(relation["relname"])
    return None

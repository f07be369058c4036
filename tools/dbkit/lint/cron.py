"""Jobs that are given to pg_cron: where their schedule and command stand, and which schedules it accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbkit.lint.trees import constant, names, nodes
from dbkit.parse import Node, Statement

__all__ = ["is_schedule", "jobs"]

_CALLS = ("schedule", "schedule_in_database")
_WORDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@reboot"})
_SECONDS = re.compile(r"([1-9]|[1-5]\d)\s+seconds?$")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Lowest and highest number of each field, and the names that stand for numbers.
_FIELDS = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 7, _DAYS))
_DAY_OF_MONTH = 2


def jobs(statement: Statement) -> Iterator[tuple[Node, Node]]:
    """(schedule, command) of each call of cron.schedule and cron.schedule_in_database whose schedule is a constant."""
    for tag, node in nodes(statement):
        parts = names(node.get("funcname", ())) if tag == "FuncCall" else []
        if len(parts) < 2 or parts[-2] != "cron" or parts[-1] not in _CALLS:
            continue
        arguments = node.get("args", [])
        named = {
            item["NamedArgExpr"]["name"]: item["NamedArgExpr"]["arg"] for item in arguments if "NamedArgExpr" in item
        }
        plain = [item for item in arguments if "NamedArgExpr" not in item]
        # cron.schedule(schedule, command), or a name before the two
        rest = plain if len(arguments) == 2 and parts[-1] == "schedule" else plain[1:]
        schedule = named.get("schedule") or (rest[0] if rest else {})
        command = named.get("command") or (rest[1] if len(rest) > 1 else {})
        if constant(schedule) is not None:
            yield schedule, command


def is_schedule(text: str) -> bool:
    """Whether pg_cron accepts a schedule: five fields, `@daily` and its like, or `30 seconds`."""
    text = text.strip().lower()
    if text in _WORDS or _SECONDS.match(text):
        return True
    fields = text.split()
    return len(fields) == len(_FIELDS) and all(
        _is_item(item, position) for position, field in enumerate(fields) for item in field.split(",")
    )


def _is_item(item: str, position: int) -> bool:
    lowest, highest, named = _FIELDS[position]
    value, slash, step = item.partition("/")
    if slash and not (step.isdigit() and int(step) > 0):
        return False
    if value == "*" or (value == "$" and position == _DAY_OF_MONTH):
        return True
    ends = [
        named.index(end) + lowest if end in named else int(end) if end.isdigit() else -1 for end in value.split("-")
    ]
    return len(ends) <= 2 and ends == sorted(ends) and lowest <= ends[0] and ends[-1] <= highest

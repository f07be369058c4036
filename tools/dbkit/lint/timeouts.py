"""What the statements of a migration lock, transaction by transaction, and which timeouts are in force meanwhile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from dbkit.lint.fix import before_statement
from dbkit.lint.locks import Lock, locking_tags, locks_of
from dbkit.lint.model import Key, label
from dbkit.lint.routines import body_statements
from dbkit.lint.rule import Hit
from dbkit.lint.sections import ends_transaction, opens_transaction
from dbkit.lint.trees import calls, constant
from dbkit.parse import Node, Statement

if TYPE_CHECKING:
    from dbkit.lint.engine import Context

__all__ = ["Locking", "Lockings", "Timeout", "first_unbounded", "strong_locks", "transactions"]

_UNITS = {"us": 0.001, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "": 1}
_DURATION = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s|min|h|d|)\s*$")
_TIMEOUTS = ("lock_timeout", "statement_timeout")


class Timeout(NamedTuple):
    """A timeout and the statement that set it; 0 milliseconds is no bound at all."""

    milliseconds: float
    statement: Statement


class Locking(NamedTuple):
    """One statement of the up section, in the order they run.

    Attributes:
        transaction: number of the transaction it runs in; statements outside of one have a number each.
        held: (table, lock) of those it locks in SHARE ROW EXCLUSIVE or stronger that the file did not create.
        lock_timeout, statement_timeout: what is in force; None where the file has not set it.
    """

    statement: Statement
    transaction: int
    held: tuple[tuple[str, Lock], ...] = ()
    lock_timeout: Timeout | None = None
    statement_timeout: Timeout | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The locked tables, as people write them, each once."""
        return tuple(dict.fromkeys([table for table, _ in self.held]))

    @property
    def lock(self) -> Lock:
        """The strongest of the locks."""
        return max([lock for _, lock in self.held], default=Lock.ACCESS_SHARE)


class Lockings(NamedTuple):
    """What a file locks.

    Attributes:
        strong: statements that take SHARE ROW EXCLUSIVE or a stronger lock on a table the file did not create.
        transactions: the statements of each transaction that has several, one of the strong ones among them.
    """

    strong: list[Locking]
    transactions: list[list[Locking]]


@dataclass
class _Walk:
    """The session as it goes through a file."""

    context: Context
    transaction: int = 0
    opened: bool = False
    settings: dict[str, Timeout] = field(default_factory=dict)
    kept: dict[str, Timeout] = field(default_factory=dict)  # those that outlast the transaction
    made: set[Key] = field(init=False)

    def __post_init__(self) -> None:
        self.made = {table.key for table in self.context.effects.tables}
        for item in self.context.file.script.statements:
            # ALTER TABLE takes views too: pg_dump gives them their owner so.
            if item.tag == "ViewStmt" and not item.node.get("replace"):
                self.made.add(self.context.state.new_key(item.node["view"]))

    def held(self, statement: Statement) -> tuple[tuple[str, Lock], ...]:
        """(table, lock) of the strong locks a statement, or what a DO block runs, takes on tables others may use."""
        if statement.tag == "DoStmt":
            return tuple([locked for item in body_statements(statement) for locked in self.held(item)])
        strong = [(node, lock) for node, lock in locks_of(statement) if lock >= Lock.SHARE_ROW_EXCLUSIVE]
        keys = [(self.context.state.key(node), node, lock) for node, lock in strong]
        return tuple([(label(key), lock) for key, node, lock in keys if self._exists(key, node)])

    def follow(self, statement: Statement, held: tuple[tuple[str, Lock], ...]) -> Locking:
        node, tag = statement.node, statement.tag
        if tag == "TransactionStmt":
            if opens_transaction(statement) or ends_transaction(statement):
                self.opened = opens_transaction(statement)
                self.transaction += 1
                self.settings = dict(self.kept)
        elif _resets_everything(statement):
            self.settings, self.kept = {}, {}
        elif tag == "VariableSetStmt" and node.get("name") in _TIMEOUTS:
            self._set(node["name"], node.get("args", ()), statement, local=node.get("is_local", False))
        elif tag == "SelectStmt" and "set_config" in statement.text.lower():
            for call in calls(statement, "set_config"):
                name = constant(next(iter(call.get("args", ())), None))
                if name in _TIMEOUTS:
                    local = constant(next(iter(call["args"][2:3]), None)) == "true"
                    self._set(str(name), call["args"][1:2], statement, local=local)
        if not self._in_transaction(statement):
            self.transaction += 1
        bounds = self.settings.get("lock_timeout"), self.settings.get("statement_timeout")
        return Locking(statement, self.transaction, held, *bounds)

    def _in_transaction(self, statement: Statement) -> bool:
        return self.opened or self.context.file.section_at(statement.start).transactional

    def _set(self, name: str, arguments: list[Node] | tuple[()], statement: Statement, *, local: bool) -> None:
        if local and not self._in_transaction(statement):
            return  # PostgreSQL warns, and sets nothing
        match = _DURATION.match(constant(arguments[0]) or "") if arguments else None
        for settings in (self.settings,) if local else (self.settings, self.kept):
            if match is None:  # reset, default, or a value that cannot be read here
                settings.pop(name, None)
            else:
                settings[name] = Timeout(float(match["number"]) * _UNITS[match["unit"]], statement)

    def _exists(self, key: Key, relation: Node) -> bool:
        """Whether others may use the table: it is not temporary and the file did not create it."""
        found = self.context.state.tables.get(key)
        if found is not None and found.known and found.temporary:
            return False
        return key not in self.made and ("pg_temp", relation["relname"]) not in self.made


def _resets_everything(statement: Statement) -> bool:
    if statement.tag == "VariableSetStmt":
        return bool(statement.node["kind"] == "VAR_RESET_ALL")
    return statement.tag == "DiscardStmt" and statement.node["target"] == "DISCARD_ALL"


def transactions(context: Context) -> list[list[Locking]]:
    """See `Lockings.transactions`."""
    return _lockings(context).transactions


def strong_locks(context: Context) -> list[Locking]:
    """See `Lockings.strong`."""
    return _lockings(context).strong


def first_unbounded(context: Context, setting: str, value: str, what: str, *, or_zero: bool = False) -> Iterator[Hit]:
    """The first strong lock of a file that a timeout does not bound; none in files that this project's runner runs.

    Args:
        setting: lock_timeout or statement_timeout, and a value to propose for it.
        what: goes on after the lock and its tables.
        or_zero: whether a timeout of 0, which bounds nothing, is reported as well.
    """
    if context.file.own_line:
        return
    for locking in strong_locks(context):
        timeout: Timeout | None = getattr(locking, setting)
        if timeout is None or (or_zero and not timeout.milliseconds):
            begin = f"set local {setting} = '{value}';"
            section = context.file.section_at(locking.statement.start)
            tables = locking.tables
            yield Hit(
                f"{locking.lock} on {', '.join(tables)} {what} without a {setting}",
                at=locking.statement.start,
                object=tables[0],
                hint=f"Begin with: {begin}",
                fix=partial(before_statement, locking.statement, begin, section),
            )
            return


def _lockings(context: Context) -> Lockings:
    """Worked out once a file, since several rules ask."""
    known = context.effects.lockings
    if known is None:
        known = context.state.effects_of(context.file).lockings = _follow(context)
    return known


def _follow(context: Context) -> Lockings:
    """Go through the up section; most files lock nothing that others use, and are left at that."""
    tags, file = {*locking_tags(), "DoStmt"}, context.file
    if tags.isdisjoint([item.tag for item in file.script.statements]):
        return Lockings([], [])
    walk = _Walk(context)
    statements = [item for item in file.script.statements if file.section_at(item.start).name == "up"]
    held = [walk.held(item) if item.tag in tags else () for item in statements]
    if not any(held):
        return Lockings([], [])
    followed = [walk.follow(item, locks) for item, locks in zip(statements, held, strict=True)]
    by_transaction = [list(group) for _, group in groupby(followed, key=attrgetter("transaction"))]
    several = [group for group in by_transaction if len(group) > 1 and any(item.held for item in group)]
    return Lockings([item for item in followed if item.held], several)

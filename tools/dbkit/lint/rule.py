"""What a rule is, and how rules are found: every module of `dbkit.lint.rules` is one rule.

A rule module has a docstring, which is its documentation, and a `rule`:

    rule = Rule(code="L010", severity=Severity.ERROR, lock="SHARE on the table for the whole build")

    @rule.on("IndexStmt")
    def check(statement: Statement, context: Context) -> Iterator[Hit]:
        ...

`on` sees statements of some kinds before they are replayed, `on_alter` those ALTER TABLEs that have some subcommand,
`settled` runs when what a file did can be judged (after a migration, after the whole declared tree), `concluded` when
the whole series is through. The rule's name is its file's name, and the name is the defect.

A thousand files are judged in a fraction of a second because a rule is called only where it can have something to say:
it names its statements, its subcommands, words or a pattern the file must hold, and what the file must have done.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from dbkit.lint.files import DECLARED, MIGRATION, SEED
from dbkit.report import Severity

if TYPE_CHECKING:
    from dbkit.lint.engine import Context
    from dbkit.lint.fix import Fix
    from dbkit.lint.model import Origin
    from dbkit.parse import Node, Statement

__all__ = [
    "BOTH_WAYS",
    "CITUS",
    "DO",
    "EVERYWHERE",
    "FUNCTION",
    "HOUSE",
    "PROFILES",
    "RECOMMENDED",
    "STRICT",
    "ColumnCheck",
    "FileCheck",
    "Hit",
    "Rule",
    "StatementCheck",
    "all_rules",
    "load_rules",
    "rules_of",
]

RECOMMENDED = "recommended"
HOUSE = "house"
STRICT = "strict"
CITUS = "citus"

# profile -> the sets of rules it switches on
PROFILES: Mapping[str, frozenset[str]] = {
    "recommended": frozenset({RECOMMENDED}),
    "house": frozenset({RECOMMENDED, HOUSE}),
    "strict": frozenset({RECOMMENDED, HOUSE, STRICT}),
    "citus": frozenset({RECOMMENDED, CITUS}),
}

EVERYWHERE = frozenset({MIGRATION, DECLARED, SEED})
BOTH_WAYS = frozenset({"up", "down"})

# kinds of bodies
DO = "do"
FUNCTION = "function"


class Hit(NamedTuple):
    """A rule's complaint, before settings and allowances.

    Attributes:
        message: one line, lower case, no period; names the object.
        at: character offset in the file the rule is looking at, or the origin of an object made elsewhere.
        hint: sentences with what to write instead.
        severity: where this case is milder than the rule.
        convention: True for a case that only our own conventions mind: reported in profiles with the house set.
        fix: computes the repair, called only when one is asked for; None where there is no mechanical one.
    """

    message: str
    at: int | Origin
    object: str | None = None
    detail: str | None = None
    hint: str | None = None
    severity: Severity | None = None
    convention: bool = False
    fix: Callable[[], Fix | None] | None = None


StatementCheck = Callable[["Statement", "Context"], Iterable[Hit]]
ColumnCheck = Callable[[str, "Node", "Statement", "Context"], Iterable[Hit]]
FileCheck = Callable[["Context"], Iterable[Hit]]


@dataclass(eq=False)
class Rule:
    """One defect the linter knows.

    Attributes:
        code: number in the requirements (Lnnn), or C and the number in the lint catalogue; several rules may share one.
        set: recommended (a defect in anybody's SQL), house (our conventions), strict, or citus (what sharding needs).
        lock: the lock or failure it is about, for the reference.
        work: what is done to every row while that lock is held (rewrite, scan or build), so that the size of the table
            decides how bad it is; empty for none.
        since, until: PostgreSQL majors it holds for; None for no bound.
        files: kinds of files it judges.
        sections: sections of a migration it judges.
        bodies: also see the statements inside DO blocks, which run when the file is applied like any other, or inside
            function bodies.
        triggers: lower-case words of which a file must hold one to be at fault; spares the walk through its trees.
        fix: what `--fix` writes, for the reference; empty where it is for people to decide.
        pattern: what a file must match to be at fault, where no word tells.
        name: the defect, from the file name.
        doc: the module's docstring.
    """

    code: str
    severity: Severity
    set: str = RECOMMENDED
    lock: str | None = None
    work: str = ""
    since: int = 15
    until: int | None = None
    files: frozenset[str] = frozenset({MIGRATION, DECLARED})
    sections: frozenset[str] = frozenset({"up"})
    bodies: frozenset[str] = frozenset({DO})
    triggers: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    fix: str = ""
    name: str = ""
    doc: str = ""
    statement_checks: dict[str, list[StatementCheck]] = field(default_factory=dict)
    alter_checks: dict[str, list[StatementCheck]] = field(default_factory=dict)
    column_checks: dict[str, list[ColumnCheck]] = field(default_factory=dict)
    settled_checks: list[tuple[str | frozenset[str] | None, FileCheck]] = field(default_factory=list)
    concluded_checks: list[tuple[str | None, FileCheck]] = field(default_factory=list)

    def on(self, *tags: str) -> Callable[[StatementCheck], StatementCheck]:
        """Call the function with each statement of these kinds (pglast's node names; "*" for every one)."""

        def register(function: StatementCheck) -> StatementCheck:
            for tag in tags:
                self.statement_checks.setdefault(tag, []).append(function)
            return function

        return register

    def on_column(self, *types: str) -> Callable[[ColumnCheck], ColumnCheck]:
        """Call the function with each column that is created with, or changed to, one of these types.

        Types are named as `trees.column_type` does; the function is given the name, the ColumnDef and its statement.
        """

        def register(function: ColumnCheck) -> ColumnCheck:
            for name in types:
                self.column_checks.setdefault(name, []).append(function)
            return function

        return register

    def on_alter(self, *subcommands: str) -> Callable[[StatementCheck], StatementCheck]:
        """Call the function, once, with each AlterTableStmt that has one of these subcommands (`AT_AddColumn` …)."""

        def register(function: StatementCheck) -> StatementCheck:
            for subcommand in subcommands:
                self.alter_checks.setdefault(subcommand, []).append(function)
            return function

        return register

    def settled(self, function: FileCheck) -> FileCheck:
        """Call the function once for each judged file, when what it did is complete."""
        self.settled_checks.append((None, function))
        return function

    def concluded(self, function: FileCheck) -> FileCheck:
        """Call the function once for each judged file, when the whole series has been replayed."""
        self.concluded_checks.append((None, function))
        return function

    def settled_with(self, effect: str) -> Callable[[FileCheck], FileCheck]:
        """`settled`, for files only that had the effect.

        Args:
            effect: an attribute of `Effects`, `locks` for a strong lock on a table that others use, or `transactions`
                for one in a transaction with other statements.
        """

        def register(function: FileCheck) -> FileCheck:
            self.settled_checks.append((effect, function))
            return function

        return register

    def settled_after(self, *tags: str) -> Callable[[FileCheck], FileCheck]:
        """`settled`, for files only that hold a statement of one of these kinds."""

        def register(function: FileCheck) -> FileCheck:
            self.settled_checks.append((frozenset(tags), function))
            return function

        return register

    def concluded_with(self, effect: str) -> Callable[[FileCheck], FileCheck]:
        """`concluded`, for files only that had the effect; see `settled_with`."""

        def register(function: FileCheck) -> FileCheck:
            self.concluded_checks.append((effect, function))
            return function

        return register

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.strip().splitlines()[0]


@cache
def load_rules() -> Mapping[str, Rule]:
    """Every rule by name, in order of code and name. Their modules are imported when they are asked."""
    from dbkit.lint.rule_index import indexed_rules

    return indexed_rules()


def all_rules() -> Mapping[str, Rule]:
    """Every rule by name: those that judge files, then those that judge live databases only."""
    from dbkit.lint.live import load_database_rules

    files = load_rules()
    return {**files, **{name: item.rule for name, item in load_database_rules().items() if name not in files}}


def rules_of(label: str) -> Iterator[Rule]:
    """The rules a name, a code or a set stands for; none for an unknown one.

    Those that judge live databases only are looked at where no other fits.
    """
    found = False
    for rule in load_rules().values():
        if label in (rule.name, rule.code, rule.set):
            found = True
            yield rule
    if not found:
        from dbkit.lint.live import load_database_rules

        yield from (item.rule for item in load_database_rules().values() if label in (item.rule.name, item.rule.code))

"""What a rule is, and how rules are found: every module of `dbkit.lint.rules` is one rule.

A rule module has a docstring, which is its documentation, and a `rule`:

    rule = Rule(code="L010", severity=Severity.ERROR, lock="SHARE on the table for the whole build")

    @rule.on("IndexStmt")
    def check(statement: Statement, context: Context) -> Iterator[Hit]:
        ...

`on` sees statements of some kinds before they are replayed, `settled` runs when what a file did can be judged (after a
migration, after the whole declared tree), `concluded` when the whole series is through. The rule's name is its file's
name, and the name is the defect.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from dbkit.lint.files import DECLARED, MIGRATION, SEED
from dbkit.report import Severity

if TYPE_CHECKING:
    from dbkit.lint.engine import Context
    from dbkit.lint.model import Origin
    from dbkit.parse import Node, Statement

__all__ = [
    "BOTH_WAYS",
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
    "load_rules",
    "rules_of",
]

RECOMMENDED = "recommended"
HOUSE = "house"
STRICT = "strict"

# profile -> the sets of rules it switches on
PROFILES: Mapping[str, frozenset[str]] = {
    "recommended": frozenset({RECOMMENDED}),
    "house": frozenset({RECOMMENDED, HOUSE}),
    "strict": frozenset({RECOMMENDED, HOUSE, STRICT}),
}

EVERYWHERE = frozenset({MIGRATION, DECLARED, SEED})
BOTH_WAYS = frozenset({"up", "down"})

# kinds of bodies
DO = "do"
FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's complaint, before settings and allowances.

    Attributes:
        message: one line, lower case, no period; names the object.
        at: character offset in the file the rule is looking at, or the origin of an object made elsewhere.
        hint: sentences with what to write instead.
        severity: where this case is milder than the rule.
        convention: True for a case that only our own conventions mind: reported in profiles with the house set.
    """

    message: str
    at: int | Origin
    object: str | None = None
    detail: str | None = None
    hint: str | None = None
    severity: Severity | None = None
    convention: bool = False


StatementCheck = Callable[["Statement", "Context"], Iterable[Hit]]
ColumnCheck = Callable[[str, "Node", "Statement", "Context"], Iterable[Hit]]
FileCheck = Callable[["Context"], Iterable[Hit]]


@dataclass(eq=False)
class Rule:
    """One defect the linter knows.

    Attributes:
        code: number in the requirements (Lnnn), or C and the number in the lint catalogue; several rules may share one.
        set: recommended (a defect in anybody's SQL) or house (our conventions).
        lock: the lock or failure it is about, for the reference.
        since, until: PostgreSQL majors it holds for; None for no bound.
        files: kinds of files it judges.
        sections: sections of a migration it judges.
        bodies: also see the statements inside DO blocks (which run when the file is applied) or function bodies.
        triggers: lower-case words of which a file must hold one to be at fault; spares the walk through its trees.
        name: the defect, from the file name.
        doc: the module's docstring.
    """

    code: str
    severity: Severity
    set: str = RECOMMENDED
    lock: str | None = None
    since: int = 15
    until: int | None = None
    files: frozenset[str] = frozenset({MIGRATION, DECLARED})
    sections: frozenset[str] = frozenset({"up"})
    bodies: frozenset[str] = frozenset()
    triggers: tuple[str, ...] = ()
    name: str = ""
    doc: str = ""
    statement_checks: dict[str, list[StatementCheck]] = field(default_factory=dict)
    column_checks: dict[str, list[ColumnCheck]] = field(default_factory=dict)
    settled_checks: list[FileCheck] = field(default_factory=list)
    concluded_checks: list[FileCheck] = field(default_factory=list)

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

    def settled(self, function: FileCheck) -> FileCheck:
        """Call the function once for each judged file, when what it did is complete."""
        self.settled_checks.append(function)
        return function

    def concluded(self, function: FileCheck) -> FileCheck:
        """Call the function once for each judged file, when the whole series has been replayed."""
        self.concluded_checks.append(function)
        return function

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return self.doc.strip().splitlines()[0]


@cache
def load_rules() -> Mapping[str, Rule]:
    """Every rule by name, in order of code and name."""
    from dbkit.lint import rules as package

    found: list[Rule] = []
    for module_info in pkgutil.iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{module_info.name}")
        rule: Rule = module.rule
        rule.name, rule.doc = module_info.name, module.__doc__ or ""
        found.append(rule)
    found.sort(key=lambda rule: (rule.code, rule.name))
    return {rule.name: rule for rule in found}


def rules_of(label: str) -> Iterator[Rule]:
    """The rules a name, a code or a set stands for; none for an unknown one."""
    for rule in load_rules().values():
        if label in (rule.name, rule.code, rule.set):
            yield rule

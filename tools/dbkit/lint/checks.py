"""Which checks concern a file, a statement, a body: the index over the rules that keeps the engine from asking in vain.

A rule says what it is about (kinds of statements, ALTER TABLE subcommands, types of columns, words or a pattern of the
text, what a file did). Files of one kind with the same kinds of statements in them share one index, and are asked about
the words of its rules alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from dbkit.lint.files import LintFile
from dbkit.lint.rule import DO, FUNCTION, ColumnCheck, FileCheck, Rule, StatementCheck
from dbkit.lint.rule_index import Later
from dbkit.lint.timeouts import strong_locks, transactions
from dbkit.lint.trees import TYPED_STATEMENTS
from dbkit.parse import Body, Statement

if TYPE_CHECKING:
    from dbkit.lint.engine import Context

__all__ = ["Checks", "FileChecks"]

_Check = TypeVar("_Check")

# What a body must hold for a statement of that kind to stand in it. SQL keywords have no other spelling.
_WORD_OF = {
    "LockStmt": "lock",
    "CreateTableAsStmt": "create",
    "SelectStmt": "select",
    "UpdateStmt": "update",
    "InsertStmt": "insert",
    "DeleteStmt": "delete",
    "AlterTableStmt": "alter",
    "RefreshMatViewStmt": "refresh",
    "CreateRoleStmt": "create",
    "AlterRoleStmt": "alter",
}


class Checks:
    """All checks of a run.

    Args:
        rules: those that run.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = list(rules)
        self._indexes: dict[tuple[str, frozenset[str]], _Index] = {}
        self._of_file: dict[LintFile, FileChecks] = {}

    def of(self, file: LintFile) -> FileChecks:
        """Those of rules that judge such files, look at such statements, and whose words the file holds."""
        found = self._of_file.get(file)
        if found is None:
            key = file.kind, frozenset([statement.tag for statement in file.script.statements])
            index = self._indexes.get(key)
            if index is None:
                rules = [rule for rule in self._rules if file.kind in rule.files and _looks_at(rule, key[1])]
                index = self._indexes[key] = _Index(rules, key[1])
            found = self._of_file[file] = index.for_text(file.lower)
        return found


class FileChecks:
    """The checks that concern a file, and all others like it that hold the same words.

    Args:
        index: those of files like it.
        missing: the rules whose words or pattern it does not hold.
    """

    def __init__(self, index: _Index, missing: frozenset[Rule]) -> None:
        self._index = index
        self._missing = missing
        self._worded: dict[_Listed, list[tuple[Rule, StatementCheck]]] = {}
        self._columns: dict[str, list[tuple[Rule, ColumnCheck]]] = {}
        self._files: dict[tuple[bool, tuple[str | None, ...]], list[tuple[Rule, FileCheck]]] = {}

    def about(self, statement: Statement, section: str, inside: str | None = None) -> list[tuple[Rule, StatementCheck]]:
        """The checks that look at a statement of a section.

        Args:
            inside: the kind of body the statement stands in.
        """
        found = self._index.of_statement(statement, section, inside)
        if not found.worded:
            return found.always
        worded = self._worded.get(found)
        if worded is None:
            worded = self._worded[found] = self._present(found.worded)
        if not worded:
            return found.always
        # The file holds the words; does the statement?
        text = statement.text.lower()
        return found.always + [(rule, check) for rule, check in worded if _is_held(rule, text)]

    def about_column(self, type_name: str) -> list[tuple[Rule, ColumnCheck]]:
        """The checks that look at a column of a type."""
        found = self._columns.get(type_name)
        if found is None:
            found = self._columns[type_name] = _ready(self._present(self._index.columns.get(type_name, ())))
        return found

    def about_file(self, context: Context, *, concluded: bool) -> list[tuple[Rule, FileCheck]]:
        """The checks of what the file did.

        Args:
            concluded: those for when the whole series is through, not the file alone.
        """
        by_effect = self._index.concluded if concluded else self._index.settled
        effects = context.effects
        had = tuple(
            [
                effect
                for effect in by_effect
                if effect is None
                or (_WORKED_OUT[effect](context) if effect in _WORKED_OUT else getattr(effects, effect))
            ]
        )
        found = self._files.get((concluded, had))
        if found is None:
            listed = [item for effect in had for item in by_effect[effect]]
            found = self._files[concluded, had] = _ready(self._present(listed))
        return found

    def looks_inside(self, body: Body, kind: str) -> bool:
        """Whether a statement that a check wants to see can stand in a body of this kind."""
        text = body.text.lower()
        for rule, words in self._index.looking_inside[kind]:
            if rule not in self._missing and any(word in text for word in words) and _is_held(rule, text):
                return True
        return False

    def _present(self, listed: Iterable[tuple[Rule, _Check]]) -> list[tuple[Rule, _Check]]:
        """Those of rules whose words the file holds."""
        return [(rule, check) for rule, check in listed if rule not in self._missing]


class _Index:
    """The checks of rules that concern files of one kind with the same kinds of statements in them."""

    def __init__(self, rules: list[Rule], tags: frozenset[str]) -> None:
        self._rules = rules
        self._worded = [rule for rule in rules if rule.triggers or rule.pattern]
        self._words = sorted({word for rule in rules for word in rule.triggers})
        self._by_words: dict[frozenset[str], _Wording] = {}
        self._by_tag: dict[tuple[str, str, str | None], _Listed] = {}
        self._by_subcommands: dict[tuple[str | None, ...], _Listed] = {}
        # What a body must hold one of for a statement to stand in it that the rule looks at.
        self.looking_inside = {
            kind: [(rule, _words_of_statements(rule)) for rule in rules if kind in rule.bodies]
            for kind in (DO, FUNCTION)
        }
        self.settled: dict[str | None, list[tuple[Rule, FileCheck]]] = {}  # by the effect they are about
        self.concluded: dict[str | None, list[tuple[Rule, FileCheck]]] = {}
        self.columns: dict[str, list[tuple[Rule, ColumnCheck]]] = {}
        for rule in rules:
            for condition, check in rule.settled_checks:
                if isinstance(condition, frozenset) and tags.isdisjoint(condition):
                    continue
                effect = condition if isinstance(condition, str) else None
                self.settled.setdefault(effect, []).append((rule, check))
            for wanted, check in rule.concluded_checks:
                self.concluded.setdefault(wanted, []).append((rule, check))
            for name, found in rule.column_checks.items():
                self.columns.setdefault(name, []).extend((rule, check) for check in found)

    def for_text(self, text: str) -> FileChecks:
        """The checks of files with such a text, in lower case; files that hold the same words share them."""
        held = frozenset([word for word in self._words if word in text])
        wording = self._by_words.get(held)
        if wording is None:
            wording = self._by_words[held] = _Wording.of(self._worded, held)
        matching = tuple([rule for rule in wording.patterned if rule.pattern and rule.pattern.search(text)])
        found = wording.checks.get(matching)
        if found is None:
            found = FileChecks(self, wording.missing.difference(matching))
            wording.checks[matching] = found
        return found

    def of_statement(self, statement: Statement, section: str, inside: str | None) -> _Listed:
        found = self._by_tag.get((statement.tag, section, inside))
        if found is None:
            found = self._by_tag[statement.tag, section, inside] = _Listed(
                [
                    (rule, check)
                    for rule in self._rules_for(section, inside)
                    for wanted in (statement.tag, "*")
                    for check in rule.statement_checks.get(wanted, ())
                ]
            )
        return found if statement.tag != "AlterTableStmt" else self._of_alter_table(statement, section, inside, found)

    def _of_alter_table(self, statement: Statement, section: str, inside: str | None, by_tag: _Listed) -> _Listed:
        there = dict.fromkeys([item["AlterTableCmd"]["subtype"] for item in statement.node.get("cmds", ())])
        key = (section, inside, *there)
        found = self._by_subcommands.get(key)
        if found is None:
            further = [
                (rule, check)
                for rule in self._rules_for(section, inside)
                # A check is called once, however many of its subcommands there are.
                for check in dict.fromkeys(check for name in there for check in rule.alter_checks.get(name, ()))
            ]
            found = self._by_subcommands[key] = _Listed([*by_tag.always, *by_tag.worded, *further])
        return found

    def _rules_for(self, section: str, inside: str | None) -> list[Rule]:
        return [rule for rule in self._rules if section in rule.sections and (inside is None or inside in rule.bodies)]


class _Wording(NamedTuple):
    """What the words that a file holds say of the rules of its index.

    Attributes:
        patterned: those that ask for a pattern, and for no word that is missing.
        missing: those that find nothing, all of `patterned` included.
        checks: by the rules whose pattern matched.
    """

    patterned: list[Rule]
    missing: frozenset[Rule]
    checks: dict[tuple[Rule, ...], FileChecks]

    @classmethod
    def of(cls, worded: Iterable[Rule], held: frozenset[str]) -> _Wording:
        """Sort rules that ask for words or a pattern by the words that are held."""
        possible = {rule for rule in worded if not rule.triggers or not held.isdisjoint(rule.triggers)}
        patterned = [rule for rule in worded if rule in possible and rule.pattern is not None]
        return cls(patterned, frozenset([rule for rule in worded if rule not in possible or rule.pattern]), {})


class _Listed:
    """Checks of statements.

    Attributes:
        always: those that are always called.
        worded: those that a statement must hold words for.
    """

    __slots__ = ("always", "worded")

    def __init__(self, found: Iterable[tuple[Rule, StatementCheck]]) -> None:
        listed = list(found)
        self.always = _ready((rule, check) for rule, check in listed if not (rule.triggers or rule.pattern))
        self.worded = [(rule, check) for rule, check in listed if rule.triggers or rule.pattern]


# What is not an attribute of `Effects`; see `Rule.settled_with`.
_WORKED_OUT: dict[str, Callable[[Context], object]] = {"locks": strong_locks, "transactions": transactions}


def _ready(listed: Iterable[tuple[Rule, Any]]) -> list[tuple[Rule, Any]]:
    """Checks that are about to be called, with those imported that were not yet."""
    return [(rule, check.function if isinstance(check, Later) else check) for rule, check in listed]


def _looks_at(rule: Rule, tags: frozenset[str]) -> bool:
    """Whether a rule has a check for files with these kinds of statements."""
    return bool(
        any(not (isinstance(item, frozenset) and tags.isdisjoint(item)) for item, _ in rule.settled_checks)
        or rule.concluded_checks
        or "*" in rule.statement_checks
        or not tags.isdisjoint(rule.statement_checks)
        or (rule.alter_checks and "AlterTableStmt" in tags)
        or (rule.column_checks and not tags.isdisjoint(TYPED_STATEMENTS))
        or (DO in rule.bodies and "DoStmt" in tags)
        or (FUNCTION in rule.bodies and "CreateFunctionStmt" in tags)
    )


def _words_of_statements(rule: Rule) -> list[str]:
    tags = [*rule.statement_checks, *(("AlterTableStmt",) if rule.alter_checks else ())]
    tags += TYPED_STATEMENTS if rule.column_checks else ()
    return sorted({_WORD_OF.get(tag, "") for tag in tags})


def _is_held(rule: Rule, text: str) -> bool:
    """Whether a text, in lower case, holds what the rule is about."""
    if rule.triggers and not any(word in text for word in rule.triggers):
        return False
    return rule.pattern is None or rule.pattern.search(text) is not None

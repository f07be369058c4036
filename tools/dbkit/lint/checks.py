"""Which checks concern a file, a statement, a body: the index over the rules that keeps the engine from asking in vain.

A rule says what it is about (kinds of statements, ALTER TABLE subcommands, types of columns, words or a pattern of the
text, what a file did). Files of one kind with the same kinds of statements in them share one index, and are asked about
the words of its rules alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from dbkit.lint.files import LintFile
from dbkit.lint.rule import DO, FUNCTION, ColumnCheck, FileCheck, Rule, StatementCheck
from dbkit.lint.state import Effects
from dbkit.lint.timeouts import strong_locks, transactions
from dbkit.lint.trees import COLUMN_STATEMENTS
from dbkit.parse import Body, Statement

if TYPE_CHECKING:
    from dbkit.lint.engine import Context

__all__ = ["Checks", "FileChecks"]

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
            found = self._of_file[file] = FileChecks(index, index.without_words(file.text.lower()))
        return found


class FileChecks:
    """The checks that concern a file.

    Args:
        index: those of files like it.
        missing: the rules whose words or pattern it does not hold.
    """

    def __init__(self, index: _Index, missing: frozenset[Rule]) -> None:
        self._index = index
        self._missing = missing

    def about(self, statement: Statement, section: str, inside: str | None = None) -> list[tuple[Rule, StatementCheck]]:
        """The checks that look at a statement of a section.

        Args:
            inside: the kind of body the statement stands in.
        """
        found = self._index.of_statement(statement, section, inside)
        if not found.worded:
            return found.always
        worded = [(rule, check) for rule, check in found.worded if rule not in self._missing]
        if not worded:
            return found.always
        # The file holds the words; does the statement?
        text = statement.text.lower()
        return found.always + [(rule, check) for rule, check in worded if _is_held(rule, text)]

    def about_column(self, type_name: str) -> list[tuple[Rule, ColumnCheck]]:
        """The checks that look at a column of a type."""
        found = self._index.columns.get(type_name)
        return [(rule, check) for rule, check in found if rule not in self._missing] if found else []

    def about_file(self, context: Context, *, concluded: bool) -> Iterator[tuple[Rule, FileCheck]]:
        """The checks of what the file did.

        Args:
            concluded: those for when the whole series is through, not the file alone.
        """
        effects = context.effects
        for effect, listed in (self._index.concluded if concluded else self._index.settled).items():
            if effect is None or _had(effects, effect, context):
                for rule, check in listed:
                    if rule not in self._missing:
                        yield rule, check

    def looks_inside(self, body: Body, kind: str) -> bool:
        """Whether a statement that a check wants to see can stand in a body of this kind."""
        text = body.text.lower()
        for rule, words in self._index.looking_inside[kind]:
            if rule not in self._missing and any(word in text for word in words) and _is_held(rule, text):
                return True
        return False


class _Index:
    """The checks of rules that concern files of one kind with the same kinds of statements in them."""

    def __init__(self, rules: list[Rule], tags: frozenset[str]) -> None:
        self._rules = rules
        self._worded = frozenset([rule for rule in rules if rule.triggers or rule.pattern])
        self._words = sorted({word for rule in rules for word in rule.triggers})
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

    def without_words(self, text: str) -> frozenset[Rule]:
        """The rules that find nothing in a text, in lower case, by its words alone."""
        held = {word for word in self._words if word in text}
        possible = [rule for rule in self._worded if not rule.triggers or not held.isdisjoint(rule.triggers)]
        matching = [rule for rule in possible if rule.pattern is None or rule.pattern.search(text)]
        return self._worded.difference(matching)

    def of_statement(self, statement: Statement, section: str, inside: str | None) -> _Listed:
        found = self._by_tag.get((statement.tag, section, inside))
        if found is None:
            found = self._by_tag[statement.tag, section, inside] = _Listed.of(
                (rule, check)
                for rule in self._rules_for(section, inside)
                for wanted in (statement.tag, "*")
                for check in rule.statement_checks.get(wanted, ())
            )
        return found if statement.tag != "AlterTableStmt" else self._of_alter_table(statement, section, inside, found)

    def _of_alter_table(self, statement: Statement, section: str, inside: str | None, always: _Listed) -> _Listed:
        there = {item["AlterTableCmd"]["subtype"] for item in statement.node.get("cmds", ())}
        key = (section, inside, *sorted(there))
        found = self._by_subcommands.get(key)
        if found is None:
            further = _Listed.of(
                (rule, check)
                for rule in self._rules_for(section, inside)
                # A check is called once, however many of its subcommands there are.
                for check in dict.fromkeys(check for name in there for check in rule.alter_checks.get(name, ()))
            )
            found = _Listed(always.always + further.always, always.worded + further.worded)
            self._by_subcommands[key] = found
        return found

    def _rules_for(self, section: str, inside: str | None) -> list[Rule]:
        return [rule for rule in self._rules if section in rule.sections and (inside is None or inside in rule.bodies)]


class _Listed(NamedTuple):
    """Checks of statements: those that are always called, and those that a statement must hold words for."""

    always: list[tuple[Rule, StatementCheck]]
    worded: list[tuple[Rule, StatementCheck]]

    @classmethod
    def of(cls, found: Iterable[tuple[Rule, StatementCheck]]) -> _Listed:
        listed = cls([], [])
        for rule, check in found:
            (listed.worded if rule.triggers or rule.pattern else listed.always).append((rule, check))
        return listed


def _had(effects: Effects, effect: str, context: Context) -> bool:
    """Whether a file did what a check is about; see `Rule.settled_with`."""
    if effect == "locks":
        return bool(strong_locks(context))
    if effect == "transactions":
        return bool(transactions(context))
    return bool(getattr(effects, effect))


def _looks_at(rule: Rule, tags: frozenset[str]) -> bool:
    """Whether a rule has a check for files with these kinds of statements."""
    return bool(
        any(not (isinstance(item, frozenset) and tags.isdisjoint(item)) for item, _ in rule.settled_checks)
        or rule.concluded_checks
        or "*" in rule.statement_checks
        or not tags.isdisjoint(rule.statement_checks)
        or (rule.alter_checks and "AlterTableStmt" in tags)
        or (rule.column_checks and not tags.isdisjoint(COLUMN_STATEMENTS))
        or (DO in rule.bodies and "DoStmt" in tags)
        or (FUNCTION in rule.bodies and "CreateFunctionStmt" in tags)
    )


def _words_of_statements(rule: Rule) -> list[str]:
    tags = (*rule.statement_checks, *(("AlterTableStmt",) if rule.alter_checks else ()))
    return sorted({_WORD_OF.get(tag, "") for tag in tags})


def _is_held(rule: Rule, text: str) -> bool:
    """Whether a text, in lower case, holds what the rule is about."""
    if rule.triggers and not any(word in text for word in rule.triggers):
        return False
    return rule.pattern is None or rule.pattern.search(text) is not None

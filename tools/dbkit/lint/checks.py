"""Which checks concern a file, a statement, a body: the index over the rules that keeps the engine from asking in vain.

A rule says what it is about (kinds of statements, ALTER TABLE subcommands, types of columns, words or a pattern of the
text, what a file did). Files that hold the same of those words share one index.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from dbkit.lint.files import LintFile
from dbkit.lint.locks import Lock, lock_table
from dbkit.lint.rule import ColumnCheck, FileCheck, Rule, StatementCheck
from dbkit.lint.state import Effects
from dbkit.parse import Body, Statement

__all__ = ["Checks", "FileChecks", "had"]

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
        self._words = {word for rule in self._rules for word in rule.triggers}
        self._patterns = {rule.pattern for rule in self._rules if rule.pattern}
        self._of: dict[tuple[str, frozenset[object]], FileChecks] = {}
        self._of_file: dict[LintFile, FileChecks] = {}

    def of(self, file: LintFile) -> FileChecks:
        """Those of rules that judge such files and whose words the file holds."""
        found = self._of_file.get(file)
        if found is None:
            text = file.text.lower()
            held: frozenset[object] = frozenset(
                [word for word in self._words if word in text]
                + [pattern for pattern in self._patterns if pattern.search(text)]
            )
            found = self._of.get((file.kind, held))
            if found is None:
                rules = [rule for rule in self._rules if file.kind in rule.files and _is_possible(rule, held)]
                found = self._of[file.kind, held] = FileChecks(rules)
            self._of_file[file] = found
        return found


class FileChecks:
    """The checks that concern files alike, by what they look at."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._words = any(rule.triggers or rule.pattern for rule in rules)
        self._by_tag: dict[tuple[str, str], list[tuple[Rule, StatementCheck]]] = {}
        self._by_subcommands: dict[tuple[str, ...], list[tuple[Rule, StatementCheck]]] = {}
        self.settled: dict[str | None, list[tuple[Rule, FileCheck]]] = {}  # by the effect they are about
        self.concluded: dict[str | None, list[tuple[Rule, FileCheck]]] = {}
        for rule in rules:
            for effect, check in rule.settled_checks:
                self.settled.setdefault(effect, []).append((rule, check))
            for effect, check in rule.concluded_checks:
                self.concluded.setdefault(effect, []).append((rule, check))
        self.columns: dict[str, list[tuple[Rule, ColumnCheck]]] = {}
        for rule in rules:
            for name, found in rule.column_checks.items():
                self.columns.setdefault(name, []).extend((rule, check) for check in found)

    def about(self, statement: Statement, section: str) -> list[tuple[Rule, StatementCheck]]:
        """The checks that look at a statement of a section."""
        found = self._of_tag(statement.tag, section)
        if statement.tag == "AlterTableStmt":
            found = found + self._of_subcommands(statement, section)
        if not (self._words and any(rule.triggers or rule.pattern for rule, _ in found)):
            return found
        # The file holds the words; does the statement?
        text = statement.text.lower()
        return [(rule, check) for rule, check in found if _is_held(rule, text)]

    def looks_inside(self, body: Body, kind: str) -> bool:
        """Whether a statement that a check wants to see can stand in a body of this kind."""
        text = body.text.lower()
        for rule in self._rules:
            if kind in rule.bodies and _is_held(rule, text):
                tags = (*rule.statement_checks, *(("AlterTableStmt",) if rule.alter_checks else ()))
                if any(_WORD_OF.get(tag, "") in text for tag in tags):
                    return True
        return False

    def inside(self, statement: Statement, kind: str, section: str) -> list[tuple[Rule, StatementCheck]]:
        """The checks that also look at a statement inside a body of this kind."""
        found = self.about(statement, section)
        return [(rule, check) for rule, check in found if kind in rule.bodies]

    def _of_tag(self, tag: str, section: str) -> list[tuple[Rule, StatementCheck]]:
        found = self._by_tag.get((tag, section))
        if found is None:
            found = self._by_tag[tag, section] = [
                (rule, check)
                for rule in self._rules
                if section in rule.sections
                for wanted in (tag, "*")
                for check in rule.statement_checks.get(wanted, ())
            ]
        return found

    def _of_subcommands(self, statement: Statement, section: str) -> list[tuple[Rule, StatementCheck]]:
        there = {item["AlterTableCmd"]["subtype"] for item in statement.node.get("cmds", ())}
        key = (section, *sorted(there))
        found = self._by_subcommands.get(key)
        if found is None:
            found = self._by_subcommands[key] = [
                (rule, check)
                for rule in self._rules
                if section in rule.sections
                # A check is called once, however many of its subcommands there are.
                for check in dict.fromkeys(check for name in there for check in rule.alter_checks.get(name, ()))
            ]
        return found


def had(file: LintFile, effects: Effects | None, effect: str) -> bool:
    """Whether a file did what a check is about.

    Args:
        effect: an attribute of Effects, or `locks` for a statement that can take a strong lock.
    """
    if effect == "locks":
        return any(statement.tag in _locking_tags() for statement in file.script.statements)
    return effects is not None and bool(getattr(effects, effect))


@cache
def _locking_tags() -> frozenset[str]:
    """Kinds of statements that can take SHARE ROW EXCLUSIVE or a stronger lock."""
    strong = {name.split()[0] for name, lock in lock_table()["statement"].items() if lock >= Lock.SHARE_ROW_EXCLUSIVE}
    return frozenset({*strong, "AlterTableStmt", "DropStmt", "LockStmt"})


def _is_possible(rule: Rule, held: frozenset[object]) -> bool:
    """Whether the words and patterns a text holds let the rule find something in it."""
    return not (rule.triggers and held.isdisjoint(rule.triggers)) and (rule.pattern is None or rule.pattern in held)


def _is_held(rule: Rule, text: str) -> bool:
    """Whether a text, in lower case, holds what the rule is about."""
    if rule.triggers and not any(word in text for word in rule.triggers):
        return False
    return rule.pattern is None or rule.pattern.search(text) is not None

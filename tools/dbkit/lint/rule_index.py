"""Rules without their code: what every rule says of itself, remembered so that a module is imported when it is asked.

To import all rules costs 40 ms; a run after a change asks a few of them about one file. The index holds everything of a
rule but its functions, under the digest of the linter's own code. Where there is none, or it cannot be trusted, all the
modules are imported and it is written.
"""

from __future__ import annotations

import contextlib
import marshal
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

from dbkit.config import cache_dir
from dbkit.lint.rule import Rule
from dbkit.lint.store import code_digest, is_ours, write_whole
from dbkit.report import Severity

__all__ = ["Later", "imported_rules", "indexed_rules"]

_PACKAGE = "dbkit.lint.rules"
_CHECKS = ("statement_checks", "alter_checks", "column_checks", "settled_checks", "concluded_checks")
_SAID = tuple(item.name for item in fields(Rule) if item.name not in (*_CHECKS, "severity", "pattern"))


def indexed_rules() -> Mapping[str, Rule]:
    """Every rule by name, in order of code and name; from the index where there is one."""
    path = cache_dir() / "lint-rules"
    if not is_ours(path):  # marshal trusts what it reads
        return imported_rules()
    try:
        made_by, rows = marshal.loads(path.read_bytes())
        if made_by == code_digest():
            return {row["name"]: _rule_of(row) for row in rows}
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        pass
    rules = imported_rules()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, marshal.dumps((code_digest(), [_row_of(rule) for rule in rules.values()])))
    return rules


def imported_rules() -> Mapping[str, Rule]:
    """The same from the modules themselves."""
    folder = Path(__file__).with_name("rules")
    names = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    rules = sorted(map(_imported, names), key=lambda rule: (rule.code, rule.name))
    return {rule.name: rule for rule in rules}


def _imported(name: str) -> Rule:
    module = import_module(f"{_PACKAGE}.{name}")
    rule: Rule = module.rule
    rule.name, rule.doc = name, module.__doc__ or ""
    return rule


class Later:
    """A check that is imported when it is called first.

    Args:
        rule: the name of its rule.
        number: which of the rule's functions it is.
    """

    __slots__ = ("_function", "_number", "_rule")

    def __init__(self, rule: str, number: int) -> None:
        self._rule = rule
        self._number = number
        self._function: Callable[..., Any] | None = None

    @property
    def function(self) -> Callable[..., Any]:
        """The check itself."""
        if self._function is None:
            self._function = _functions_of(_imported(self._rule))[self._number]
        return self._function

    def __call__(self, *arguments: Any) -> Any:
        return (self._function or self.function)(*arguments)


# ---------------------------------------------------------------------------------------------------------------------
# Rows of the index
# ---------------------------------------------------------------------------------------------------------------------


def _functions_of(rule: Rule) -> list[Callable[..., Any]]:
    """The functions of a rule, each once however many kinds of statements it is about."""
    return list(dict.fromkeys(_registered(rule)))


def _registered(rule: Rule) -> Iterator[Callable[..., Any]]:
    for checks in (rule.statement_checks, rule.alter_checks, rule.column_checks):
        for listed in checks.values():
            yield from listed
    for _, check in (*rule.settled_checks, *rule.concluded_checks):
        yield check


def _row_of(rule: Rule) -> dict[str, Any]:
    """A rule as values that marshal knows; its functions are their numbers."""
    number = {check: place for place, check in enumerate(_functions_of(rule))}
    row: dict[str, Any] = {name: getattr(rule, name) for name in _SAID}
    row["severity"] = int(rule.severity)
    row["pattern"] = (rule.pattern.pattern, rule.pattern.flags) if rule.pattern else None
    for name in _CHECKS:
        checks = getattr(rule, name)
        if isinstance(checks, dict):
            row[name] = {about: [number[check] for check in listed] for about, listed in checks.items()}
        else:
            row[name] = [(effect, number[check]) for effect, check in checks]
    return row


def _rule_of(row: dict[str, Any]) -> Rule:
    """What `_row_of` took."""
    rule = Rule(**{name: row[name] for name in _SAID}, severity=Severity(row["severity"]))
    rule.pattern = re.compile(*row["pattern"]) if row["pattern"] else None
    later: dict[int, Later] = {}  # one for each function: a check that is called once is told by its identity
    for name in _CHECKS:
        checks = row[name]
        if isinstance(checks, dict):
            found: Any = {
                about: [later.setdefault(number, Later(rule.name, number)) for number in numbers]
                for about, numbers in checks.items()
            }
        else:
            found = [(effect, later.setdefault(number, Later(rule.name, number))) for effect, number in checks]
        setattr(rule, name, found)
    return rule

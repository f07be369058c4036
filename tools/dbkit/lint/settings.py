"""The `[lint]` table of dbkit.toml: which rules run and how severe they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.lint.rule import HOUSE, PROFILES, Rule, load_rules, rules_of
from dbkit.report import Severity

__all__ = ["KEYS", "Settings", "load_settings"]

# What [lint] knows -> what it does.
KEYS: Mapping[str, str] = {
    "profile": "recommended (defects in anybody's SQL, the default), house (our conventions too), strict, or citus "
    "(recommended, and what sharding needs).",
    "select": "Names, codes or sets of the rules that run, instead of a profile.",
    "ignore": "Names, codes or sets of rules that do not run.",
    "severity": "Table: rule name or code -> error, warning or note.",
    "baseline": "File of findings that are not reported: see --write-baseline.",
    "backup_roles": "Logins that may bypass row security; default dbkit_backup.",
}


@dataclass(frozen=True)
class Settings:
    """What `[lint]` asks for.

    Attributes:
        profile: recommended, house, strict or citus.
        rules: the rules that run, by name.
        severity: rule name -> severity that replaces the rule's own.
        house: whether cases that only our conventions mind are reported.
        baseline: file of findings that are not reported, relative to the project.
        backup_roles: logins that may bypass row security.
    """

    profile: str = "recommended"
    rules: Mapping[str, Rule] = field(default_factory=dict)
    severity: Mapping[str, Severity] = field(default_factory=dict)
    house: bool = False
    baseline: str | None = None
    backup_roles: frozenset[str] = frozenset({"dbkit_backup"})


def load_settings(config: Config, profile: str | None = None, *, known: Mapping[str, Rule] | None = None) -> Settings:
    """Read `[lint]`.

    Args:
        profile: overrides `[lint] profile` (and `select`).
        known: the rules to choose from, by name; None for those that judge files.

    Raises:
        DbkitError: an unknown key, profile, rule or severity.
    """
    table = config.lint
    unknown = sorted(set(table) - KEYS.keys())
    if unknown:
        raise DbkitError(
            f"unknown setting in dbkit.toml: lint.{unknown[0]}",
            detail=f"[lint] knows {', '.join(sorted(KEYS))}.",
            hint="Correct the name or remove the line.",
        )
    chosen = profile or str(table.get("profile", "recommended"))
    if chosen not in PROFILES:
        raise DbkitError(
            f"unknown lint profile: {chosen}",
            detail=f"The profiles are {', '.join(PROFILES)}.",
            hint="Name one of them with --profile or under [lint] profile.",
        )
    known = load_rules() if known is None else known
    rules = {name: rule for name, rule in known.items() if rule.set in PROFILES[chosen]}
    if "select" in table and profile is None:
        selected = _named(_strings(table, "select"), "select")
        rules = {name: rule for name, rule in selected.items() if name in known}
    for name in _named(_strings(table, "ignore"), "ignore"):
        rules.pop(name, None)
    return Settings(
        profile=chosen,
        rules=rules,
        severity=_severities(table),
        house=HOUSE in PROFILES[chosen],
        baseline=_string(table, "baseline"),
        backup_roles=frozenset(_strings(table, "backup_roles")) or Settings.backup_roles,
    )


def find_rules(label: str, where: str) -> list[Rule]:
    """The rules a name, code or set stands for.

    Raises:
        DbkitError: none; the error proposes the nearest name.
    """
    found = list(rules_of(label))
    if not found:
        from difflib import get_close_matches

        close = get_close_matches(label, load_rules(), n=1)
        raise DbkitError(
            f"unknown lint rule: {label}",
            detail=f"Named in {where}." + (f" Did you mean {close[0]}?" if close else ""),
            hint="Run: dbkit lint --rules",
        )
    return found


def _named(labels: list[str], key: str) -> dict[str, Rule]:
    return {rule.name: rule for label in labels for rule in find_rules(label, f"[lint] {key}")}


def _severities(table: Mapping[str, Any]) -> dict[str, Severity]:
    raw = table.get("severity", {})
    if not isinstance(raw, dict):
        raise _bad("severity", raw, 'a table such as { fk_without_index = "warning" }')
    severities: dict[str, Severity] = {}
    for label, value in raw.items():
        try:
            severity = Severity.parse(value)
        except (KeyError, AttributeError):
            raise _bad(f"severity.{label}", value, "error, warning or note") from None
        for rule in find_rules(label, "[lint.severity]"):
            severities[rule.name] = severity
    return severities


def _string(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise _bad(key, value, "a string")
    return value


def _strings(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _bad(key, value, "a list of strings")
    return value


def _bad(key: str, value: object, expected: str) -> DbkitError:
    return DbkitError(
        f"bad value in dbkit.toml: lint.{key}",
        detail=f"It is {value!r}; expected {expected}.",
        hint="Correct the value.",
    )

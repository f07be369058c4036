"""Judge a database that runs: read its catalogs and statistics, ask the database rules, report like the file linter.

A database rule is a module of `dbkit.lint.database`. It has a docstring in the sections of every rule, a `rule` and

    def check(database: Live) -> Iterator[Defect]:
        ...

A defect that a file rule finds too has one rule, one name and one severity: the module then imports the file rule's.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module

from dbkit.config import Config
from dbkit.lint.live_facts import Live, read_live
from dbkit.lint.result import LintResult
from dbkit.lint.rule import Rule, load_rules
from dbkit.lint.settings import Settings, load_settings
from dbkit.lint.tenants import load_tenants
from dbkit.report import Finding, Report, Severity

__all__ = ["DatabaseRule", "Defect", "Live", "judge", "lint_database", "load_database_rules"]


@dataclass(frozen=True, slots=True)
class Defect:
    """A database rule's complaint.

    Attributes:
        object: what is at fault, as SQL names it.
        message: one line, lower case, no period; names the object.
        severity: where this case is milder or worse than the rule.
    """

    object: str
    message: str
    detail: str | None = None
    hint: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class DatabaseRule:
    """One defect of a live database: the rule it is a case of, its own documentation, and its check."""

    rule: Rule
    doc: str
    check: Callable[[Live], Iterable[Defect]]

    @property
    def page(self) -> Rule:
        """The rule with the documentation of its database side, for those who print rules."""
        return replace(self.rule, doc=self.doc, lock=None, fix="")


@cache
def load_database_rules() -> Mapping[str, DatabaseRule]:
    """Every database rule by name, in order of code and name."""
    from dbkit.lint import database as package

    known = load_rules()
    found: list[DatabaseRule] = []
    for module_info in pkgutil.iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{module_info.name}")
        # A rule of files too is the one that the settings know.
        rule: Rule = known.get(module_info.name, module.rule)
        if module_info.name not in known:
            rule.name, rule.doc = module_info.name, module.__doc__ or ""
        found.append(DatabaseRule(rule, module.__doc__ or "", module.check))
    found.sort(key=lambda item: (item.rule.code, item.rule.name))
    return {item.rule.name: item for item in found}


def lint_database(config: Config, conninfo: str, *, profile: str | None = None) -> LintResult:
    """Judge a database. It is only read, in one read-only transaction, with the rights of an ordinary login.

    Args:
        conninfo: connection string.
        profile: overrides `[lint] profile`.

    Raises:
        DbkitError: bad settings; the server cannot be reached or refuses a catalog.
    """
    rules = load_database_rules()
    settings = load_settings(config, profile, known={name: item.rule for name, item in rules.items()})
    database = read_live(conninfo, load_tenants(config))
    findings = judge(database, settings)
    described = database.snapshot.database
    report = Report("lint", findings, server=f"PostgreSQL {described.server_version}")
    result = LintResult(report, {}, settings.baseline)
    report.summary = {
        "database": described.name,
        "tables": len(database.snapshot.tables),
        "rules": len(settings.rules),
        "profile": settings.profile,
        "not_read": [what for what, _, _ in database.not_read],
        **result.count(),
    }
    return result


def judge(database: Live, settings: Settings) -> list[Finding]:
    """What the rules that run say of a database, in order of rule code and object."""
    findings = []
    for name, item in load_database_rules().items():
        if name not in settings.rules:
            continue
        for defect in item.check(database):
            severity = settings.severity.get(name) or defect.severity
            findings.append(
                Finding(
                    rule=name,
                    message=defect.message,
                    severity=item.rule.severity if severity is None else severity,
                    category=item.rule.code,
                    object=defect.object,
                    detail=defect.detail,
                    hint=defect.hint,
                )
            )
    return findings

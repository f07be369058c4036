"""Run the rules over series of files: replay each statement, ask the rules, keep what no allowance covers.

One pass in one process. A file is parsed once; a rule sees only the kinds of statements it asked for; files that are
read for their effect alone are replayed and not judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from dbkit.config import Config
from dbkit.lint.allow import Allowance, read_allowances
from dbkit.lint.cache import Memory
from dbkit.lint.files import DECLARED, LintFile, Section, Series, collect
from dbkit.lint.model import Constraint, Index, Origin, Table
from dbkit.lint.replay import replay
from dbkit.lint.rule import DO, FUNCTION, ColumnCheck, Hit, Rule, StatementCheck, load_rules
from dbkit.lint.settings import Settings, load_settings
from dbkit.lint.state import Effects, State
from dbkit.lint.tenants import Tenants, load_tenants
from dbkit.lint.trees import COLUMN_STATEMENTS, column_definitions, column_type
from dbkit.parse import Body, Statement, bodies, embedded_statements
from dbkit.report import Finding, Location, Report, Severity

__all__ = ["Context", "LintResult", "lint"]


@dataclass(slots=True)
class Context:
    """What a rule may ask while it looks at a file.

    Attributes:
        file: the file being judged.
        state: the database as the files and statements before this one leave it.
        section: the section the statement belongs to.
        in_transaction: whether the statement runs in a transaction, the runner's or one the file opened.
        body: the function or DO body an embedded statement was found in.
        series: the series the file is part of.
        tenants: the declared tenancy model.
    """

    file: LintFile
    state: State
    section: Section
    series: Series
    tenants: Tenants
    settings: Settings
    in_transaction: bool = True
    body: Body | None = None

    @property
    def effects(self) -> Effects:
        """What the file did; complete in `settled` and `concluded` checks."""
        return self.state.effects.get(self.file) or Effects()

    def made_here(self) -> Iterable[Table]:
        """Permanent tables the file created that still exist."""
        return [table for table in self.effects.tables if self.state.is_alive(table) and not table.temporary]

    def secured_here(self) -> Iterable[Table]:
        """Tables whose row security or policies the file touched and that still exist, each once."""
        return [table for table in self.effects.secured if self.state.is_alive(table)]

    def secured_at(self, table: Table) -> Origin:
        """Where the file touched the row security of a table first."""
        return self.effects.secured[table]

    def constraints_here(self) -> Iterable[tuple[Table, Constraint]]:
        """Constraints the file added that still exist, on tables that still exist."""
        for table, constraint in self.effects.constraints:
            if self.state.is_alive(table) and table.constraints.get(constraint.name) is constraint:
                yield table, constraint

    def indexes_here(self) -> Iterable[tuple[Table, Index]]:
        """Indexes the file made, those of keys included, that still exist, on permanent tables that still exist."""
        for table, index in self.effects.indexes:
            if self.state.is_alive(table) and table.indexes.get(index.name) is index and not table.temporary:
                yield table, index


@dataclass
class LintResult:
    """A report.

    Attributes:
        texts: what its locations point into (by displayed name), for code frames.
        baseline: `[lint] baseline`.
    """

    report: Report
    texts: dict[str, str]
    baseline: str | None = None

    def count(self) -> dict[str, int]:
        """How many findings of each severity, the worst first."""
        severities = Counter(finding.severity for finding in self.report.findings)
        return {str(severity): severities[severity] for severity in reversed(Severity)}


@dataclass(frozen=True, slots=True)
class _Placed:
    """A hit with its rule and its place resolved."""

    rule: Rule
    hit: Hit
    file: LintFile
    line: int
    column: int
    statement_line: int


def lint(
    config: Config,
    paths: Sequence[Path] = (),
    *,
    history: Sequence[Path] = (),
    each: bool = False,
    profile: str | None = None,
    only: Collection[Path] | None = None,
    remember: bool = True,
) -> LintResult:
    """Judge SQL files.

    Args:
        paths: files and folders; none means the project's own SQL.
        history: SQL that was applied before, and is not judged.
        each: judge every migration by itself, not as a line.
        profile: overrides `[lint] profile`.
        only: judge these files (absolute paths) and read the others for what they do.
        remember: use and keep what runs over the same files left in the cache folder.

    Raises:
        DbkitError: bad settings, a path without SQL, an unreadable file.
    """
    settings = load_settings(config, profile)
    tenants = load_tenants(config)
    series = collect(config, paths, history, each=each)
    if only is not None:
        for file in (file for line in series for file in line.files):
            file.judged = file.judged and file.path.absolute() in only
    memory = Memory(config, settings, series, enabled=remember)
    findings = memory.findings()
    if findings is None:
        memory.recall_trees()
        findings = [finding for line in series for finding in _Run(line, settings, tenants).findings()]
        findings.sort(key=_reading_order)
        memory.keep(findings)
    texts = {file.display: file.text for line in series for file in line.files if file.judged}
    report = Report("lint", findings)
    result = LintResult(report, texts, settings.baseline)
    report.summary = {
        "files": len(texts),
        "rules": len(settings.rules),
        "profile": settings.profile,
        **result.count(),
    }
    return result


def _reading_order(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.location
    return (place.file, place.line, place.column or 0, finding.rule) if place else ("", 0, 0, finding.rule)


class _Run:
    """One series being replayed."""

    def __init__(self, series: Series, settings: Settings, tenants: Tenants) -> None:
        self.series = series
        self.settings = settings
        self.tenants = tenants
        self.state = State()
        self.placed: dict[tuple[str, LintFile, int], _Placed] = {}
        self._checks_of_kind: dict[str, _Checks] = {}

    def findings(self) -> list[Finding]:
        judged = [file for file in self.series.files if file.judged]
        for file in self.series.files:
            self._replay(file)
            if file.judged and self.series.kind != DECLARED:
                self._ask_about_file(file, concluded=False)
        if self.series.kind == DECLARED:
            for file in judged:
                self._ask_about_file(file, concluded=False)
        for file in judged:
            self._ask_about_file(file, concluded=True)
        return self._after_allowances(judged)

    # -- asking the rules ---------------------------------------------------------------------------------------------

    def _replay(self, file: LintFile) -> None:
        checks = self._checks(file.kind) if file.judged else None
        section, opened = file.sections[0], False
        for statement in file.script.statements:
            if file.section_at(statement.start) is not section:
                section, opened = file.section_at(statement.start), False
            if statement.tag == "TransactionStmt":
                opened = statement.node["kind"] in ("TRANS_STMT_BEGIN", "TRANS_STMT_START")
            if checks is not None:
                context = self._context(file, section, in_transaction=opened or section.transactional)
                self._ask_about_statement(statement, context, checks)
            if section.name == "up":
                replay(self.state, statement, file)
        if file.judged and file.script.problems:
            self._report_syntax(file)

    def _ask_about_statement(self, statement: Statement, context: Context, checks: _Checks) -> None:
        section, file = context.section.name, context.file
        for rule, check in checks.of(statement.tag):
            if section in rule.sections and (not rule.triggers or _has_trigger(rule, statement)):
                for hit in check(statement, context):
                    self._place(rule, hit, statement, file)
        if statement.tag in COLUMN_STATEMENTS:
            for name, column in column_definitions(statement):
                for rule, column_check in checks.columns.get(column_type(column), ()):
                    if section in rule.sections:
                        for hit in column_check(name, column, statement, context):
                            self._place(rule, hit, statement, file)
        kind = {"DoStmt": DO, "CreateFunctionStmt": FUNCTION}.get(statement.tag)
        if kind is None or kind not in checks.bodies:
            return
        for body in bodies(statement):
            inside = replace(context, body=body)
            for embedded in embedded_statements(body):
                for rule, check in checks.inside(embedded.tag, kind):
                    if context.section.name in rule.sections and _has_trigger(rule, embedded):
                        for hit in check(embedded, inside):
                            self._place(rule, hit, statement, file)

    def _ask_about_file(self, file: LintFile, *, concluded: bool) -> None:
        context, checks = self._context(file, file.sections[0]), self._checks(file.kind)
        for rule, check in checks.concluded if concluded else checks.settled:
            for hit in check(context):
                self._place(rule, hit, None, file)

    def _checks(self, kind: str) -> _Checks:
        found = self._checks_of_kind.get(kind)
        if found is None:
            found = self._checks_of_kind[kind] = _Checks(self.settings.rules.values(), kind)
        return found

    def _context(self, file: LintFile, section: Section, *, in_transaction: bool = True) -> Context:
        return Context(file, self.state, section, self.series, self.tenants, self.settings, in_transaction)

    def _report_syntax(self, file: LintFile) -> None:
        first, *more = file.script.problems
        rule = load_rules()["syntax_error"]
        detail = f"{len(more)} more statements of the file cannot be parsed." if more else None
        self._place(rule, Hit(first.message, first.offset, detail=detail), None, file)

    # -- places and allowances ----------------------------------------------------------------------------------------

    def _place(self, rule: Rule, hit: Hit, statement: Statement | None, file: LintFile) -> None:
        if rule.name not in self.settings.rules:
            return
        origin = hit.at if isinstance(hit.at, Origin) else None
        where = origin.file if origin else file
        offset = origin.offset if origin else int(hit.at)  # type: ignore[arg-type]
        begins = origin.statement if origin else statement.start if statement else offset
        if where.judged:
            line, column = where.script.position(offset)
            self.placed.setdefault(
                (rule.name, where, offset),
                _Placed(rule, hit, where, line, column, where.script.position(begins)[0]),
            )

    def _after_allowances(self, judged: list[LintFile]) -> list[Finding]:
        allowances = {file: read_allowances(file) for file in judged}
        findings = [self._finding(item) for item in self.placed.values() if not self._is_allowed(item, allowances)]
        self.placed = {}
        for file, listed in allowances.items():
            for allowance in listed:
                self._judge_allowance(allowance, file)
        findings.extend(self._finding(item) for item in self.placed.values())
        return [finding for finding in findings if finding is not None]

    def _is_allowed(self, item: _Placed, allowances: dict[LintFile, list[Allowance]]) -> bool:
        allowed = False
        for allowance in allowances.get(item.file, ()):
            covers = allowance.covers(item.line) or allowance.covers(item.statement_line)
            if allowance.rule == item.rule.name and covers:
                allowance.used = allowed = True
        return allowed

    def _judge_allowance(self, allowance: Allowance, file: LintFile) -> None:
        rules = load_rules()
        if allowance.rule not in rules:
            close = get_close_matches(allowance.rule, rules, n=1)
            hint = f"Did you mean {close[0]}?" if close else "Run: dbkit lint --rules"
            hit = Hit(f"no rule is named {allowance.rule or 'nothing'}", allowance.offset, hint=hint)
            self._place(rules["unknown_rule_in_allowance"], hit, None, file)
            return
        if not allowance.reason:
            hit = Hit(
                f"allowance of {allowance.rule} gives no reason",
                allowance.offset,
                hint=f"Write: -- dbkit: allow {allowance.rule} because <why it is right here>",
            )
            self._place(rules["allowance_without_reason"], hit, None, file)
        # A rule that did not run, or does not judge such files, may well match in another profile.
        if not allowance.used and allowance.rule in self.settings.rules:
            hit = Hit(
                f"allowance of {allowance.rule} matches nothing",
                allowance.offset,
                hint="Remove the comment, or put it right above the statement it is about.",
            )
            self._place(rules["unused_allowance"], hit, None, file)

    def _finding(self, item: _Placed) -> Finding | None:
        hit, rule = item.hit, item.rule
        if hit.convention and not self.settings.house:
            return None
        severity = self.settings.severity.get(rule.name)
        if severity is None:
            severity = rule.severity if hit.severity is None else hit.severity
        return Finding(
            rule=rule.name,
            message=hit.message,
            severity=severity,
            category=rule.code,
            object=hit.object,
            location=Location(item.file.display, item.line, item.column),
            detail=hit.detail,
            hint=hit.hint,
        )


def _has_trigger(rule: Rule, statement: Statement) -> bool:
    return not rule.triggers or any(word in statement.text.lower() for word in rule.triggers)


class _Checks:
    """The checks that concern one kind of file, by the kind of statement they look at."""

    def __init__(self, rules: Iterable[Rule], kind: str) -> None:
        self.rules = [rule for rule in rules if kind in rule.files]
        self.bodies = {body for rule in self.rules for body in rule.bodies}
        self.settled = [(rule, check) for rule in self.rules for check in rule.settled_checks]
        self.concluded = [(rule, check) for rule in self.rules for check in rule.concluded_checks]
        self.columns: dict[str, list[tuple[Rule, ColumnCheck]]] = {}
        for rule in self.rules:
            for name, found in rule.column_checks.items():
                self.columns.setdefault(name, []).extend((rule, check) for check in found)
        self._by_tag: dict[str, list[tuple[Rule, StatementCheck]]] = {}

    def of(self, tag: str) -> list[tuple[Rule, StatementCheck]]:
        found = self._by_tag.get(tag)
        if found is None:
            found = [
                (rule, check)
                for rule in self.rules
                for wanted in (tag, "*")
                for check in rule.statement_checks.get(wanted, ())
            ]
            self._by_tag[tag] = found
        return found

    def inside(self, tag: str, kind: str) -> list[tuple[Rule, StatementCheck]]:
        """The checks that also look at statements inside bodies of this kind."""
        return [(rule, check) for rule, check in self.of(tag) if kind in rule.bodies]

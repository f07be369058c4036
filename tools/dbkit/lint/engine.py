"""Run the rules over series of files: replay each statement, ask the rules, keep what no allowance covers.

One pass in one process. A file is parsed once; a rule sees only the kinds of statements it asked for; files that are
read for their effect alone are replayed and not judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dbkit.config import Config
from dbkit.lint.allow import Allowance, read_allowances
from dbkit.lint.cache import Memory
from dbkit.lint.checks import Checks, FileChecks, had
from dbkit.lint.files import DECLARED, LintFile, Series, collect
from dbkit.lint.model import Column, Constraint, Index, Origin, Table
from dbkit.lint.replay import replay
from dbkit.lint.result import LintResult, Repair
from dbkit.lint.rule import DO, FUNCTION, Hit, Rule, load_rules
from dbkit.lint.sections import Section
from dbkit.lint.settings import Settings, load_settings
from dbkit.lint.sizes import Sizes, softened
from dbkit.lint.state import Effects, State
from dbkit.lint.tenants import Tenants, load_tenants
from dbkit.lint.trees import COLUMN_STATEMENTS, column_definitions, column_type, commands
from dbkit.parse import Body, Node, Statement, bodies, embedded_statements
from dbkit.report import Finding, Location, Report

if TYPE_CHECKING:
    from dbkit.lint.fix import Fix

__all__ = ["Context", "LintResult", "lint"]


_NO_EFFECTS = Effects()  # of every file that did nothing: only `State.effects_of` gives one to write to


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
        return self.state.effects.get(self.file) or _NO_EFFECTS

    def made_here(self) -> Iterable[Table]:
        """Permanent tables the file created that still exist."""
        return [table for table in self.effects.tables if self.state.is_alive(table) and not table.temporary]

    def secured_here(self) -> Iterable[Table]:
        """Tables whose row security or policies the file touched and that still exist, each once."""
        return [table for table in self.effects.secured if self.state.is_alive(table)]

    def secured_at(self, table: Table) -> Origin:
        """Where the file touched the row security of a table first."""
        return self.effects.secured[table]

    def added_columns(self, statement: Statement) -> Iterator[tuple[str, Node]]:
        """Name of the table and ColumnDef of each column an ALTER TABLE adds to a table the file did not make."""
        relation = statement.node["relation"]
        if not self.state.is_new(relation, self.file):
            for command in commands(statement.node):
                if command["subtype"] == "AT_AddColumn":
                    yield self.state.name(relation), command["def"]["ColumnDef"]

    def constraints_here(self) -> Iterable[tuple[Table, Constraint]]:
        """Constraints the file added that still exist, on tables that still exist."""
        for table, constraint in self.effects.constraints:
            if self.state.is_alive(table) and table.constraints.get(constraint.name) is constraint:
                yield table, constraint

    def keys_of_type(self, types: Collection[str]) -> Iterator[tuple[Table, Constraint, Column]]:
        """Primary keys of one column of these types that the file added to permanent tables."""
        for table, constraint in self.constraints_here():
            if constraint.kind == "primary" and len(constraint.columns) == 1 and not table.temporary:
                column = table.columns.get(constraint.columns[0])
                if column is not None and column.type in types:
                    yield table, constraint, column

    def indexes_here(self) -> Iterable[tuple[Table, Index]]:
        """Indexes the file made, those of keys included, that still exist, on permanent tables that still exist."""
        for table, index in self.effects.indexes:
            if self.state.is_alive(table) and table.indexes.get(index.name) is index and not table.temporary:
                yield table, index


@dataclass(frozen=True, slots=True)
class _Placed:
    """A hit with its rule and its place resolved."""

    rule: Rule
    hit: Hit
    file: LintFile
    line: int
    column: int
    statement_line: int
    fix: Fix | None = None


def lint(
    config: Config,
    paths: Sequence[Path] = (),
    *,
    history: Sequence[Path] = (),
    each: bool = False,
    profile: str | None = None,
    only: Collection[Path] | None = None,
    remember: bool = True,
    overlay: Mapping[Path, str] | None = None,
    repair: bool = False,
    sizes: Sizes | None = None,
) -> LintResult:
    """Judge SQL files. `dbkit.lint.run.lint` is the same with a memory for findings.

    Args:
        paths: files and folders; none means the project's own SQL.
        history: SQL that was applied before, and is not judged.
        each: judge every migration by itself, not as a line.
        profile: overrides `[lint] profile`.
        only: judge these files (absolute paths) and read the others for what they do.
        remember: use and keep the trees that runs over the same files left in the cache folder.
        overlay: texts to judge instead of those of the files, and files that are not there yet, by absolute path.
        repair: collect the edits that rules propose.
        sizes: row counts, by which rules about work on every row are a note on small tables.

    Raises:
        DbkitError: bad settings, a path without SQL, an unreadable file.
    """
    settings = load_settings(config, profile)
    tenants = load_tenants(config)
    series = collect(config, paths, history, each=each)
    for path, text in (overlay or {}).items():
        _lay_over(series, path, text)
    if only is not None:
        for file in (file for line in series for file in line.files):
            file.judged = file.judged and file.path.absolute() in only
    memory = Memory(series, enabled=remember)
    memory.recall()
    runs = [_Run(line, settings, tenants, repair=repair, sizes=sizes) for line in series]
    findings = [finding for run in runs for finding in run.findings()]
    findings.sort(key=_reading_order)
    memory.keep()
    texts = {file.display: file.text for line in series for file in line.files if file.judged}
    report = Report("lint", findings)
    result = LintResult(report, texts, settings.baseline, [item for run in runs for item in run.repairs], runs)
    report.summary = {
        "files": len(texts),
        "rules": len(settings.rules),
        "profile": settings.profile,
        **result.count(),
    }
    return result


def _lay_over(series: Sequence[Series], path: Path, text: str) -> None:
    """Give a file another text; one that is not there comes last in its folder."""
    for line in series:
        beside = None
        for place, file in enumerate(line.files):
            if file.path == path:
                line.files[place] = replace(file, text=text, script_if_parsed=None, _sections=None)
                return
            if file.path.parent == path.parent:
                beside = place, file
        if beside is not None:
            place, file = beside
            display = f"{file.display.removesuffix(file.path.name)}{path.name}"
            new = replace(
                file, path=path, display=display, text=text, judged=True, script_if_parsed=None, _sections=None
            )
            line.files.insert(place + 1, new)
            return


def _reading_order(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.location
    return (place.file, place.line, place.column or 0, finding.rule) if place else ("", 0, 0, finding.rule)


class _Run:
    """One series being replayed."""

    def __init__(
        self,
        series: Series,
        settings: Settings,
        tenants: Tenants,
        *,
        repair: bool = False,
        sizes: Sizes | None = None,
    ) -> None:
        self.repairs: list[Repair] = []
        self._sizes = sizes
        self._repair = repair
        self.series = series
        self.settings = settings
        self.tenants = tenants
        self.state = State()
        self.placed: dict[tuple[str, LintFile, int], _Placed] = {}
        self._checks = Checks(settings.rules.values())

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
        checks = self._checks.of(file) if file.judged else None
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

    def _ask_about_statement(self, statement: Statement, context: Context, checks: FileChecks) -> None:
        section, file = context.section.name, context.file
        for rule, check in checks.about(statement, section):
            for hit in check(statement, context):
                self._place(rule, hit, statement, file)
        if statement.tag in COLUMN_STATEMENTS:
            for name, column in column_definitions(statement):
                for rule, column_check in checks.columns.get(column_type(column), ()):
                    if section in rule.sections:
                        for hit in column_check(name, column, statement, context):
                            self._place(rule, hit, statement, file)
        kind = {"DoStmt": DO, "CreateFunctionStmt": FUNCTION}.get(statement.tag)
        if kind is None:
            return
        for body in bodies(statement):
            if not checks.looks_inside(body, kind):
                continue
            inside = replace(context, body=body)
            for embedded in embedded_statements(body):
                for rule, check in checks.inside(embedded, kind, section):
                    for hit in check(embedded, inside):
                        self._place(rule, hit, statement, file)

    def _ask_about_file(self, file: LintFile, *, concluded: bool) -> None:
        checks = self._checks.of(file)
        effects = self.state.effects.get(file)
        context = self._context(file, file.sections[0])
        for effect, listed in (checks.concluded if concluded else checks.settled).items():
            if effect is None or had(file, effects, effect):
                for rule, check in listed:
                    for hit in check(context):
                        self._place(rule, hit, None, file)

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
        if where.judged and (rule.name, where, offset) not in self.placed:
            line, column = where.script.position(offset)
            fix = hit.fix() if self._repair and hit.fix is not None else None
            self.placed[rule.name, where, offset] = _Placed(
                rule, hit, where, line, column, where.script.position(begins)[0], fix
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
            from difflib import get_close_matches

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
        severity, detail = self.settings.severity.get(rule.name), hit.detail
        if severity is None:
            severity = rule.severity if hit.severity is None else hit.severity
            if rule.work and self._sizes is not None:
                severity, moment = softened(severity, hit.object, self._sizes)
                detail = " ".join(part for part in (detail, moment) if part) or None
        finding = Finding(
            rule=rule.name,
            message=hit.message,
            severity=severity,
            category=rule.code,
            object=hit.object,
            location=Location(item.file.display, item.line, item.column),
            detail=detail,
            hint=hit.hint,
        )
        if item.fix is not None:
            self.repairs.append(Repair(finding, item.file, item.fix))
        return finding

"""Run the rules over series of files: replay each statement, ask the rules, keep what no allowance covers.

One pass in one process. A file is parsed once; a rule sees only the kinds of statements it asked for; files that are
read for their effect alone are replayed and not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from dbkit.config import Config
from dbkit.lint.answers import Answer, Answers, answer
from dbkit.lint.cache import Memory
from dbkit.lint.checks import Checks, FileChecks
from dbkit.lint.files import DECLARED, LintFile, Series, collect
from dbkit.lint.model import Column, Constraint, Index, Origin, Table
from dbkit.lint.replay import replay
from dbkit.lint.result import LintResult
from dbkit.lint.routines import body_statements, standard_body
from dbkit.lint.rule import DO, FUNCTION, Hit, Rule, load_rules
from dbkit.lint.sections import Section, ends_transaction, opens_transaction
from dbkit.lint.settings import Settings, load_settings
from dbkit.lint.sizes import Sizes
from dbkit.lint.state import Effects, State
from dbkit.lint.tenants import Tenants, load_tenants
from dbkit.lint.trees import (
    COLUMN_STATEMENTS,
    TYPED_STATEMENTS,
    added_constraints,
    column_type,
    commands,
    typed_columns,
)
from dbkit.lint.verdict import Verdict
from dbkit.parse import Body, Node, Statement, bodies, embedded_statements
from dbkit.report import Finding, Report

__all__ = ["Context", "LintResult", "lint"]


_Item = TypeVar("_Item")
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
        known: what `once` has worked out.
    """

    file: LintFile
    state: State
    section: Section
    series: Series
    tenants: Tenants
    settings: Settings
    in_transaction: bool = True
    body: Body | None = None
    known: dict[object, Any] = field(default_factory=dict)

    @property
    def effects(self) -> Effects:
        """What the file did; complete in `settled` and `concluded` checks."""
        return self.state.effects.get(self.file) or _NO_EFFECTS

    def once(self, ask: Callable[[Context], list[_Item]]) -> list[_Item]:
        """What a function finds of a file that is through: worked out once, since several rules ask.

        For `settled` and `concluded` checks alone: until then each statement may change the answer.
        """
        found = self.known.get(ask)
        if found is None:
            found = self.known[ask] = ask(self)
        return found

    def made_here(self) -> list[Table]:
        """Permanent tables the file created that still exist."""
        return self.once(_made_here)

    def secured_here(self) -> list[Table]:
        """Tables whose row security or policies the file touched and that still exist, each once."""
        return self.once(_secured_here)

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

    def built_constraints(self, statement: Statement, kind: str) -> Iterator[tuple[str, int]]:
        """Name of the table and place of each constraint an ALTER TABLE builds an index for, on a table not made here.

        Args:
            kind: CONSTR_PRIMARY, CONSTR_UNIQUE or CONSTR_EXCLUSION.
        """
        relation = statement.node["relation"]
        if not self.state.is_new(relation, self.file):
            for constraint in added_constraints(statement.node):
                if constraint["contype"] == kind and "indexname" not in constraint:
                    yield self.state.name(relation), statement.offset(constraint)

    def constraints_here(self) -> list[tuple[Table, Constraint]]:
        """Constraints the file added that still exist, on tables that still exist."""
        return self.once(_constraints_here)

    def foreign_keys_here(self) -> list[tuple[Table, Constraint]]:
        """Those of `constraints_here` that are foreign keys."""
        return self.once(_foreign_keys_here)

    def keys_of_type(self, types: Collection[str]) -> Iterator[tuple[Table, Constraint, Column]]:
        """Primary keys of one column of these types that the file added to permanent tables."""
        for table, constraint in self.constraints_here():
            if constraint.kind == "primary" and len(constraint.columns) == 1 and not table.temporary:
                column = table.columns.get(constraint.columns[0])
                if column is not None and column.type in types:
                    yield table, constraint, column

    def indexes_here(self) -> list[tuple[Table, Index]]:
        """Indexes the file made, those of keys included, that still exist, on permanent tables that still exist."""
        return self.once(_indexes_here)


def _made_here(context: Context) -> list[Table]:
    return [table for table in context.effects.tables if context.state.is_alive(table) and not table.temporary]


def _secured_here(context: Context) -> list[Table]:
    return [table for table in context.effects.secured if context.state.is_alive(table)]


def _constraints_here(context: Context) -> list[tuple[Table, Constraint]]:
    return _alive(context.effects.constraints, context.state)


def _foreign_keys_here(context: Context) -> list[tuple[Table, Constraint]]:
    return _alive(context.effects.foreign_keys, context.state)


def _alive(constraints: list[tuple[Table, Constraint]], state: State) -> list[tuple[Table, Constraint]]:
    return [
        (table, constraint)
        for table, constraint in constraints
        if state.is_alive(table) and table.constraints.get(constraint.name) is constraint
    ]


def _indexes_here(context: Context) -> list[tuple[Table, Index]]:
    return [
        (table, index)
        for table, index in context.effects.indexes
        if context.state.is_alive(table) and table.indexes.get(index.name) is index and not table.temporary
    ]


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
    contents: Mapping[str, bytes] | None = None,
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
        contents: bytes of files, by absolute path, that were read already.

    Raises:
        DbkitError: bad settings, a path without SQL, an unreadable file.
    """
    settings = load_settings(config, profile)
    tenants = load_tenants(config)
    series = collect(config, paths, history, each=each, contents=contents)
    for path, text in (overlay or {}).items():
        _lay_over(series, path, text)
    if only is not None:
        for file in (file for line in series for file in line.files):
            file.judged = file.judged and file.path.absolute() in only
    # What the rules may ask beside the files; sizes and severities are looked at afterwards.
    asked = (sorted(map(str, paths)), sorted(map(str, history)), each, sorted(map(str, only or ())))
    options = repr((config, sorted(settings.rules), settings.profile, sorted(settings.backup_roles), asked))
    memory = Memory(series, options, enabled=remember, answers=not repair)
    answers = memory.recall()
    for line, known in zip(series, answers, strict=True):
        Asking(line, settings, tenants, repair=repair).complete(known)
    verdicts = [
        Verdict(line, said.each_once(), memory.allowances, settings, sizes)
        for line, said in zip(series, answers, strict=True)
    ]
    memory.keep(answers)
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    findings.sort(key=_reading_order)
    texts = {file.display: file.text for line in series for file in line.files if file.judged}
    report = Report("lint", findings)
    repairs = [item for verdict in verdicts for item in verdict.repairs]
    result = LintResult(report, texts, settings.baseline, repairs, series)
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
                line.files[place] = replace(file, text=text)
                return
            if file.path.parent == path.parent:
                beside = place, file
        if beside is not None:
            place, file = beside
            display = f"{file.display.removesuffix(file.path.name)}{path.name}"
            new = replace(file, path=path, display=display, text=text, judged=True)
            line.files.insert(place + 1, new)
            return


def _reading_order(finding: Finding) -> tuple[str, int, int, str]:
    place = finding.location
    return (place.file, place.line, place.column or 0, finding.rule) if place else ("", 0, 0, finding.rule)


class Asking:
    """One series being replayed, and what the rules say of the files they are asked about."""

    def __init__(self, series: Series, settings: Settings, tenants: Tenants, *, repair: bool = False) -> None:
        self.series = series
        self.settings = settings
        self.tenants = tenants
        self.state = State()
        self._repair = repair
        self._checks = Checks(settings.rules.values())
        # When the last file changes all others are asked again what the end of the line means for them, and only that.
        self._concluding = Checks(rule for rule in settings.rules.values() if rule.concluded_checks)
        self._answers: list[Answer] = []

    def complete(self, known: Answers) -> None:
        """Add the answers about judged files that are not known yet; replays no more than they need.

        Args:
            known: what an earlier run left of the answers.
        """
        files = self.series.files
        judged = [number for number, file in enumerate(files) if file.judged]
        unsettled = {number for number in judged if number not in known.settled}
        unconcluded = [number for number in judged if number not in known.concluded]
        as_a_whole = self.series.kind == DECLARED  # what is declared is settled when all of it is there
        everything = unconcluded or (as_a_whole and unsettled)
        for number in range(len(files) if everything else max(unsettled, default=-1) + 1):
            self._replay(files[number], asking=number in unsettled)
            if number in unsettled:
                if not as_a_whole:
                    self._ask_about_file(files[number], self._checks)
                known.settled[number] = self._taken()
                known.locked[number] = self.state.locked.get(files[number], [])
            else:
                for tables in known.locked.get(number, ()):
                    self.state.lock_in_order(files[number], tables)
        for number in sorted(unsettled) if as_a_whole else ():
            self._ask_about_file(files[number], self._checks)
            known.settled[number] += self._taken()
        for number in unconcluded:
            checks = self._checks if number in unsettled else self._concluding
            self._ask_about_file(files[number], checks, concluded=True)
            known.concluded[number] = self._taken()

    def _taken(self) -> list[Answer]:
        """The answers since this was asked last."""
        taken, self._answers = self._answers, []
        return taken

    def _replay(self, file: LintFile, *, asking: bool) -> None:
        if not asking:
            for statement in file.script.statements:
                if file.section_at(statement.start).name == "up":
                    replay(self.state, statement, file)
                    for embedded in body_statements(statement) if statement.tag == "DoStmt" else ():
                        replay(self.state, embedded, file)
            return
        checks = self._checks.of(file)
        section, opened = file.sections[0], False
        context = self._context(file, section, in_transaction=section.transactional)
        for statement in file.script.statements:
            if len(file.sections) > 1 and file.section_at(statement.start) is not section:
                section, opened = file.section_at(statement.start), False
            if statement.tag == "TransactionStmt" and (opens_transaction(statement) or ends_transaction(statement)):
                opened = opens_transaction(statement)
            in_transaction = opened or section.transactional
            if context.section is not section or context.in_transaction is not in_transaction:
                context = self._context(file, section, in_transaction=in_transaction)
            self._ask_about_statement(statement, context, checks)
            if section.name == "up":
                replay(self.state, statement, file)
            if statement.tag == "DoStmt":
                self._run_block(statement, context, checks)
        if file.script.problems:
            self._report_syntax(file)

    def _ask_about_statement(self, statement: Statement, context: Context, checks: FileChecks) -> None:
        section, file = context.section.name, context.file
        for rule, check in checks.about(statement, section):
            for hit in check(statement, context):
                self._place(rule, hit, statement, file)
        self._ask_about_columns(statement, context, checks)
        if statement.tag == "CreateFunctionStmt":
            standard = Body("sql", statement.text, statement.start, False, statement)
            for body in [standard] if "sql_body" in statement.node else bodies(statement):
                if checks.looks_inside(body, FUNCTION):
                    inside = replace(context, body=body)
                    for embedded in standard_body(statement) if body is standard else embedded_statements(body):
                        for rule, check in checks.about(embedded, section, inside=FUNCTION):
                            for hit in check(embedded, inside):
                                self._place(rule, hit, statement, file)

    def _ask_about_columns(self, statement: Statement, context: Context, checks: FileChecks) -> None:
        if statement.tag in TYPED_STATEMENTS:
            in_table = statement.tag in COLUMN_STATEMENTS
            for name, column in typed_columns(statement):
                for rule, check in checks.about_column(column_type(column)):
                    if context.section.name in rule.sections:
                        for hit in check(name, column, statement, context):
                            # What repairs write belongs into a table.
                            self._place(rule, hit if in_table else hit._replace(fix=None), statement, context.file)

    def _run_block(self, block: Statement, context: Context, checks: FileChecks) -> None:
        """Ask about the statements of a DO block and replay them, each as if it stood in the file by itself.

        A block is one transaction, whatever it stands in. Which of its branches is taken is not known: all are.
        """
        section = context.section.name
        for body in bodies(block):
            inside = replace(context, body=body, in_transaction=True)
            asked = checks.looks_inside(body, DO)
            for statement in embedded_statements(body):
                if asked:
                    for rule, check in checks.about(statement, section, inside=DO):
                        for hit in check(statement, inside):
                            self._place(rule, hit, block, context.file)
                    self._ask_about_columns(statement, inside, checks)
                if section == "up":
                    replay(self.state, statement, context.file)

    def _ask_about_file(self, file: LintFile, checks: Checks, *, concluded: bool = False) -> None:
        context = self._context(file, file.sections[0])
        for rule, check in checks.of(file).about_file(context, concluded=concluded):
            for hit in check(context):
                self._place(rule, hit, None, file)

    def _context(self, file: LintFile, section: Section, *, in_transaction: bool = True) -> Context:
        return Context(file, self.state, section, self.series, self.tenants, self.settings, in_transaction)

    def _report_syntax(self, file: LintFile) -> None:
        first, *more = file.script.problems
        rule = load_rules()["syntax_error"]
        detail = f"{len(more)} more statements of the file cannot be parsed." if more else None
        self._place(rule, Hit(first.message, first.offset, detail=detail), None, file)

    def _place(self, rule: Rule, hit: Hit, statement: Statement | None, file: LintFile) -> None:
        if rule.name in self.settings.rules:
            where = hit.at.file if isinstance(hit.at, Origin) else file
            if where.judged:
                number = self.series.place[where]
                if self._repair and hit.fix is not None and FUNCTION not in rule.bodies and _is_in_block(hit, where):
                    hit = hit._replace(fix=None)  # what it writes belongs outside of the block
                self._answers.append(answer(rule, hit, where, number, statement, repair=self._repair))


def _is_in_block(hit: Hit, file: LintFile) -> bool:
    """Whether a hit is about something in a DO block."""
    place = hit.at.offset if isinstance(hit.at, Origin) else hit.at
    return any(item.tag == "DoStmt" and item.start < place < item.end for item in file.script.statements)

"""How lint findings and rules are shown: text with code frames, the rule list, one rule's page, the reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import indent
from typing import TYPE_CHECKING

from dbkit.lint.result import LintResult
from dbkit.report import Finding, Severity
from dbkit.sqltext import frame

if TYPE_CHECKING:
    from dbkit.lint.rule import Rule

__all__ = ["SECTIONS", "closing_line", "explain", "reference", "render_frames", "rule_as_dict", "rule_list"]

# What every rule's docstring has, in this order.
SECTIONS = ("What it does", "Why is this bad?", "Example", "Use instead")

_WORDS = {severity: str(severity) for severity in Severity}  # an enumeration is slow to ask for its names
_TABLE_HEAD = ("| code | rule | set | severity | defect |", "|---|---|---|---|---|")
_LIVE = (
    "`dbkit lint --database URL` judges a database by its catalogs and statistics, which it only reads, with the "
    "rights of the login; what that may not read is named. A defect that files can have too is the same rule, with one "
    "name and one severity; codes beginning with S are of databases only."
)


def render_frames(result: LintResult) -> str:
    """One block a finding: place, severity, message, rule; the source line with a caret; detail and hint."""
    lines = {place: text.splitlines() for place, text in result.texts.items()}
    return "\n\n".join(_block(finding, lines) for finding in result.report.findings)


def closing_line(result: LintResult) -> str:
    """The summary a person reads."""
    summary = result.report.summary
    counts = [(summary["error"], "error"), (summary["warning"], "warning"), (summary["note"], "note")]
    found = ", ".join(_count(number, noun) for number, noun in counts if number) or "no findings"
    basis = f"{_count(summary['rules'], 'rule')}, profile {summary['profile']}"
    if "database" in summary:
        where = f"database {summary['database']}, {_count(summary['tables'], 'table')}, {result.report.server}"
    else:
        where = _count(summary["files"], "file")
    return f"{found} in {where} ({basis})"


def rule_list() -> str:
    """One line a rule: code, name, set, severity, summary."""
    from dbkit.lint.rule import all_rules

    rules = all_rules().values()
    width = max(len(rule.name) for rule in rules)
    return "\n".join(
        f"{rule.code:<5} {rule.name:<{width}}  {rule.set:<12} {rule.severity!s:<8} {rule.summary}" for rule in rules
    )


def rule_as_dict(rule: Rule) -> dict[str, object]:
    """A rule for scripts."""
    from dbkit.lint.live import load_database_rules

    return {
        "rule": rule.name,
        "code": rule.code,
        "set": rule.set,
        "severity": str(rule.severity),
        "lock": rule.lock,
        "fix": rule.fix or None,
        "postgres": {"since": rule.since, "until": rule.until},
        "files": sorted(rule.files),
        "database": rule.name in load_database_rules(),
        "summary": rule.summary,
    }


def explain(rules: Iterable[Rule]) -> str:
    """The page of each rule, as `--explain` prints it."""
    from dbkit.lint.live import load_database_rules

    live = load_database_rules()
    pages = []
    for rule in rules:
        pages += [_page(rule, "#")] if rule.files else []
        pages += [_page(live[rule.name].page, "#", live=True)] if rule.name in live else []
    return "\n\n".join(pages)


def reference() -> str:
    """docs/reference/lint-rules.md, from the rules themselves."""
    from dbkit.lint.live import load_database_rules
    from dbkit.lint.rule import load_rules

    rules = list(load_rules().values())
    live = list(load_database_rules().values())
    lines = [
        "# Lint rules",
        "",
        "Generated from the rules by `dbkit lint --rules --format markdown`; edit the docstrings in "
        "`tools/dbkit/lint/rules/`.",
        "",
        "A rule is named after its defect. `recommended` rules are defects in anybody's SQL, `house` rules are this "
        "project's conventions, `citus` rules what sharding by the tenant column needs; a profile of that name "
        "switches them on. `--fix` repairs where a rule says what it writes.",
        "",
        *_TABLE_HEAD,
    ]
    lines += [
        f"| {rule.code} | [`{rule.name}`](#{rule.name}) | {rule.set} | {rule.severity} | {rule.summary} |"
        for rule in rules
    ]
    lines += ["", "## Live databases", "", _LIVE, "", *_TABLE_HEAD]
    lines += [
        f"| {rule.code} | [`{rule.name}`](#{rule.name}-in-a-live-database) | {rule.set} | {rule.severity} |"
        f" {rule.summary} |"
        for rule in (item.page for item in live)
    ]
    pages = [_page(rule, "##") for rule in rules] + [_page(item.page, "##", live=True) for item in live]
    return "\n".join(lines) + "\n\n" + "\n\n".join(pages) + "\n"


def _page(rule: Rule, level: str, *, live: bool = False) -> str:
    facts = [f"code {rule.code}", f"set {rule.set}", str(rule.severity), _versions(rule)]
    if rule.lock:
        facts.append(f"lock: {rule.lock}")
    if rule.fix:
        facts.append(f"`--fix` writes: {rule.fix}")
    # The docstring's own headings are of the second level.
    body = re.sub(r"^##(?= )", f"{level}#", rule.doc.strip(), flags=re.MULTILINE)
    heading = f"{rule.name} in a live database" if live else rule.name
    return f"{level} {heading}\n\n{' · '.join(facts)}\n\n{body}"


def _versions(rule: Rule) -> str:
    return f"PostgreSQL {rule.since}–{rule.until}" if rule.until else f"PostgreSQL {rule.since}+"


def _block(finding: Finding, texts: dict[str, list[str]]) -> str:
    place = finding.location
    lines = [
        f"{place or finding.object}: {_WORDS[finding.severity]}: {finding.message} [{finding.rule} {finding.category}]"
    ]
    source = texts.get(place.file) if place else None
    if place and source is not None:
        lines.append(frame(source, place.line, place.column))
    for label, words in (("detail", finding.detail), ("hint", finding.hint)):
        if words:
            lines.append(f"{label}: {words}" if "\n" not in words else f"{label}:\n{indent(words, '    ')}")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

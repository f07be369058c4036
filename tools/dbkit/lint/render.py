"""How lint findings and rules are shown: text with code frames, the rule list, one rule's page, the reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from textwrap import indent

from dbkit.lint.engine import LintResult
from dbkit.lint.rule import Rule, load_rules
from dbkit.report import Finding
from dbkit.sqltext import code_frame

__all__ = ["SECTIONS", "closing_line", "explain", "reference", "render_frames", "rule_as_dict", "rule_list"]

# What every rule's docstring has, in this order.
SECTIONS = ("What it does", "Why is this bad?", "Example", "Use instead")


def render_frames(result: LintResult) -> str:
    """One block a finding: place, severity, message, rule; the source line with a caret; detail and hint."""
    return "\n\n".join(_block(finding, result.texts) for finding in result.report.findings)


def closing_line(result: LintResult) -> str:
    """The summary a person reads."""
    summary = result.report.summary
    counts = [(summary["error"], "error"), (summary["warning"], "warning"), (summary["note"], "note")]
    found = ", ".join(_count(number, noun) for number, noun in counts if number) or "no findings"
    basis = f"{_count(summary['rules'], 'rule')}, profile {summary['profile']}"
    return f"{found} in {_count(summary['files'], 'file')} ({basis})"


def rule_list() -> str:
    """One line a rule: code, name, set, severity, summary."""
    rules = load_rules().values()
    width = max(len(rule.name) for rule in rules)
    return "\n".join(
        f"{rule.code:<5} {rule.name:<{width}}  {rule.set:<12} {rule.severity!s:<8} {rule.summary}" for rule in rules
    )


def rule_as_dict(rule: Rule) -> dict[str, object]:
    """A rule for scripts."""
    return {
        "rule": rule.name,
        "code": rule.code,
        "set": rule.set,
        "severity": str(rule.severity),
        "lock": rule.lock,
        "postgres": {"since": rule.since, "until": rule.until},
        "files": sorted(rule.files),
        "summary": rule.summary,
    }


def explain(rules: Iterable[Rule]) -> str:
    """The page of each rule, as `--explain` prints it."""
    return "\n\n".join(_page(rule, "#") for rule in rules)


def reference() -> str:
    """docs/reference/lint-rules.md, from the rules themselves."""
    rules = list(load_rules().values())
    lines = [
        "# Lint rules",
        "",
        "Generated from the rules by `dbkit lint --rules --format markdown`; edit the docstrings in "
        "`tools/dbkit/lint/rules/`.",
        "",
        "A rule is named after its defect. `recommended` rules are defects in anybody's SQL; `house` rules are this "
        "project's conventions.",
        "",
        "| code | rule | set | severity | defect |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {rule.code} | [`{rule.name}`](#{rule.name}) | {rule.set} | {rule.severity} | {rule.summary} |"
        for rule in rules
    ]
    return "\n".join(lines) + "\n\n" + "\n\n".join(_page(rule, "##") for rule in rules) + "\n"


def _page(rule: Rule, level: str) -> str:
    facts = [f"code {rule.code}", f"set {rule.set}", str(rule.severity), _versions(rule)]
    if rule.lock:
        facts.append(f"lock: {rule.lock}")
    # The docstring's own headings are of the second level.
    body = re.sub(r"^##(?= )", f"{level}#", rule.doc.strip(), flags=re.MULTILINE)
    return f"{level} {rule.name}\n\n{' · '.join(facts)}\n\n{body}"


def _versions(rule: Rule) -> str:
    return f"PostgreSQL {rule.since}–{rule.until}" if rule.until else f"PostgreSQL {rule.since}+"


def _block(finding: Finding, texts: dict[str, str]) -> str:
    place = finding.location
    lines = [f"{place}: {finding.severity}: {finding.message} [{finding.rule} {finding.category}]"]
    text = texts.get(place.file) if place else None
    if place and text is not None:
        lines.append(code_frame(text, place.line, place.column))
    for label, words in (("detail", finding.detail), ("hint", finding.hint)):
        if words:
            lines.append(f"{label}: {words}" if "\n" not in words else f"{label}:\n{indent(words, '    ')}")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

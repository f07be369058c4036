"""GitHub workflow commands: one annotation a finding, at its file and line."""

from __future__ import annotations

from dbkit.report import Finding, Report, Severity

__all__ = ["render_github"]

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(report: Report) -> str:
    """One `::error`, `::warning` or `::notice` line for each finding; what a proof found to hold is no news."""
    return "\n".join(_annotation(finding) for finding in report.findings if finding.verdict != "holds")


def _annotation(finding: Finding) -> str:
    properties = []
    if finding.location:
        properties += [f"file={_property(finding.location.file)}", f"line={finding.location.line}"]
        if finding.location.column:
            properties.append(f"col={finding.location.column}")
    properties.append(f"title={_property(finding.rule)}")
    text = finding.message + (f"\n{finding.hint}" if finding.hint else "")
    return f"::{_LEVELS[finding.severity]} {','.join(properties)}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """A property's value, where commas and colons mean something too."""
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")

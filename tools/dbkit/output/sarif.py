"""SARIF 2.1.0, which code scanning services and editors read."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from dbkit import __version__
from dbkit.report import Finding, Report

__all__ = ["render_sarif"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(report: Report) -> str:
    """One run. What a proof found to hold is counted in the run's properties, not listed: a result is a complaint."""
    findings = [finding for finding in report.findings if finding.verdict != "holds"]
    first: dict[str, Finding] = {}  # rule -> its first finding, in order of appearance
    for finding in findings:
        first.setdefault(finding.rule, finding)
    numbers = {rule: number for number, rule in enumerate(first)}
    driver = {
        "name": "dbkit",
        "semanticVersion": __version__,
        "rules": [_rule(report, finding) for finding in first.values()],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"dbkit {report.command}/"},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, numbers[finding.rule]) for finding in findings],
        "properties": {"command": report.command, "server": report.server, "summary": _numbers(report)},
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, default=str, ensure_ascii=False)


def _numbers(report: Report) -> dict[str, Any]:
    """The summary's plain values; lists and tables belong to the JSON report."""
    return {name: value for name, value in report.summary.items() if isinstance(value, (int, float, str))}


def _rule(report: Report, finding: Finding) -> dict[str, Any]:
    words = finding.rule.replace("_", " ")
    rule: dict[str, Any] = {
        "id": finding.rule,
        "shortDescription": {"text": words[:1].upper() + words[1:]},
        "defaultConfiguration": {"level": str(finding.severity)},
        "properties": {"tags": [tag for tag in (report.command, finding.category) if tag]},
    }
    if finding.hint:
        rule["help"] = {"text": finding.hint}
    return rule


def _result(finding: Finding, number: int) -> dict[str, Any]:
    evidence = finding.evidence
    labelled = [
        ("", finding.message),
        ("", finding.detail),
        ("", finding.hint),
        ("Witness: ", evidence and evidence.witness),
        ("Shown by:\n", evidence and evidence.sql),
        ("Control: ", evidence and evidence.control),
    ]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": str(finding.severity),
        "message": {"text": "\n\n".join(f"{label}{text}" for label, text in labelled if text)},
        "partialFingerprints": {"dbkitFinding/v1": finding.fingerprint},
        "properties": {"class": finding.category, "verdict": finding.verdict},
    }
    place = _place(finding)
    if place:
        result["locations"] = [place]
    return result


def _place(finding: Finding) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if finding.location:
        region = {"startLine": finding.location.line}
        if finding.location.column:
            region["startColumn"] = finding.location.column
        place["physicalLocation"] = {"artifactLocation": _artifact(finding.location.file), "region": region}
    if finding.object:
        place["logicalLocations"] = [{"fullyQualifiedName": finding.object}]
    return place


def _artifact(file: str) -> dict[str, str]:
    path = PurePath(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix()), "uriBaseId": "%SRCROOT%"}

"""GitLab's code quality report: a JSON list that a merge request shows beside the changed lines."""

from __future__ import annotations

import json
from typing import Any

from dbkit.report import Finding, Report, Severity

__all__ = ["render_gitlab"]

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def render_gitlab(report: Report) -> str:
    """Every finding but what a proof found to hold. Equal fingerprints would be merged, so they are counted."""
    seen: dict[str, int] = {}
    issues = []
    for finding in report.findings:
        if finding.verdict == "holds":
            continue
        fingerprint = finding.fingerprint
        seen[fingerprint] = seen.get(fingerprint, 0) + 1
        issues.append(_issue(report, finding, f"{fingerprint}{seen[fingerprint]:02d}"))
    return json.dumps(issues, indent=2, ensure_ascii=False)


def _issue(report: Report, finding: Finding, fingerprint: str) -> dict[str, Any]:
    place = finding.location
    return {
        "description": finding.message,
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        # A path is required; what lies in no file is shown under its own name.
        "location": {
            "path": place.file if place else finding.object or report.command,
            "lines": {"begin": place.line if place else 1},
        },
    }

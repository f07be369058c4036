"""Findings and the report they make: the only place that knows exit codes.

Every command that judges something (lint, drift, leak, verify) fills a `Report` and hands it to `finish`, which prints
it in the wanted format (`dbkit.output`).
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from dbkit.errors import EXIT_CLEAN, EXIT_ERROR, EXIT_FINDINGS

__all__ = [
    "Evidence",
    "Finding",
    "Location",
    "Report",
    "Severity",
    "emit_json",
    "finish",
    "render_text",
    "silence_closed_pipes",
]


class Severity(IntEnum):
    """How bad a finding is; a report fails when one reaches its threshold."""

    NOTE = 0
    WARNING = 1
    ERROR = 2

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> Severity:
        """'note', 'warning' or 'error' -> Severity. Raises KeyError on anything else."""
        return cls[text.upper()]


class Location(NamedTuple):
    """A place in a file. Lines and columns count from 1; columns count characters."""

    file: str
    line: int = 1
    column: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


class Evidence(NamedTuple):
    """What a reader can paste to see the finding.

    Attributes:
        sql: the statements that show it.
        witness: what they returned that they must not return.
        control: the permitted twin of the same statement and what it returned.
    """

    sql: str | None = None
    witness: str | None = None
    control: str | None = None


class Finding(NamedTuple):
    """One judgement about one object or place.

    Attributes:
        rule: name of the defect, e.g. `rls_not_forced`.
        message: one line, lower case, without the location.
        category: printed as "class" in JSON: the taxonomy class, catalog number or rule set.
        verdict: `leak`, `holds`, `unverified` for the proof; None elsewhere.
    """

    rule: str
    message: str
    severity: Severity = Severity.ERROR
    category: str | None = None
    verdict: str | None = None
    object: str | None = None
    location: Location | None = None
    detail: str | None = None
    hint: str | None = None
    evidence: Evidence | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """Rule, object and message without its numbers: the same for the same defect in a later run."""
        return self.rule, self.object or "", re.sub(r"\d+", "#", self.message)

    @property
    def fingerprint(self) -> str:
        """`identity` and file as 32 hex digits, for services that follow a finding over time."""
        import hashlib

        words = (*self.identity, self.location.file if self.location else "")
        return hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]

    def as_dict(self) -> dict[str, Any]:
        """The project's JSON shape of a finding; absent parts are null."""
        return {
            "rule": self.rule,
            "class": self.category,
            "severity": str(self.severity),
            "verdict": self.verdict,
            "object": self.object,
            "location": self.location._asdict() if self.location else None,
            "message": self.message,
            "detail": self.detail,
            "hint": self.hint,
            "evidence": self.evidence._asdict() if self.evidence else None,
        }


@dataclass
class Report:
    """What one command found.

    Attributes:
        command: name of the command, e.g. "lint".
        server: version line of the server that was looked at, None where no server was needed.
        summary: numbers a script may want; keys are the command's own.
        threshold: the lowest severity that makes the exit code 1.
    """

    command: str
    findings: list[Finding] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    server: str | None = None
    threshold: Severity = Severity.WARNING

    @property
    def exit_code(self) -> int:
        shown = any(finding.severity >= self.threshold and finding.verdict != "unverified" for finding in self.findings)
        if shown:
            return EXIT_FINDINGS
        # A proof that only has open questions found nothing and proved nothing.
        return EXIT_ERROR if any(finding.verdict == "unverified" for finding in self.findings) else EXIT_CLEAN

    def as_dict(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "server": self.server,
            "summary": self.summary,
            "findings": [finding.as_dict() for finding in self.findings],
        }


def render_text(report: Report) -> str:
    """One line a finding, `place: severity rule message`, detail and hint indented below it."""
    lines: list[str] = []
    for finding in report.findings:
        place = finding.location or finding.object
        prefix = f"{place}: " if place else ""
        lines.append(f"{prefix}{finding.severity}: {finding.message} [{finding.rule}]")
        for label, text in (("detail", finding.detail), ("hint", finding.hint)):
            if text:
                lines.append(f"    {label}: " + text.replace("\n", "\n        "))
    return "\n".join(lines)


def emit_json(value: Any) -> None:
    """Print one JSON document on stdout, where that is not closed; what JSON lacks is a text: "Infinity"."""
    import json

    if sys.stdout is None:
        return
    json.dump(_finite(value), sys.stdout, indent=2, default=str, ensure_ascii=False, allow_nan=False)
    sys.stdout.write("\n")


def _finite(value: Any) -> Any:
    """A document with the numbers that JSON lacks as the texts that PostgreSQL's own to_jsonb writes for them."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def silence_closed_pipes() -> None:
    """Send stdout and stderr nowhere from now on where their reader has gone (`| head`) or their disk is full."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # closed before we began (`>&-`)
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def finish(
    report: Report,
    output_format: str,
    *,
    closing: Sequence[str] | None = None,
    renderers: Iterable[tuple[str, Callable[[Report], str]]] = (),
    output: Path | None = None,
) -> NoReturn:
    """Print the report and leave with its exit code.

    Args:
        output_format: one of `dbkit.output.FORMATS`, or one that `renderers` names.
        closing: lines printed after the findings in text format only (the summary a person reads).
        renderers: further formats of this command, name and function.
        output: file that gets the report; a person still gets the text.

    Raises:
        DbkitError: the file cannot be written.
    """
    import click

    from dbkit.output import render, write_text

    own = dict(renderers)

    def rendered(chosen: str) -> str:
        body = own[chosen](report) if chosen in own else render(report, chosen)
        if chosen == "text":
            body = "\n".join([*([body] if body else []), *(closing or ())])
        return body

    if output is not None:
        write_text(output, click.unstyle(rendered(output_format)) + "\n")
        output_format = "text"
    body = rendered(output_format)
    if body:
        click.echo(body)  # which takes the colours out where nobody could see them
    sys.exit(report.exit_code)

"""The last step of every flow: a report as text in the format that a person, a CI system or a scanner reads.

A module is one format. `dbkit lint`, `dbkit leak` and `dbkit drift` share all of them; `dbkit test` writes its JUnit
suites and its annotations with the same writers.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dbkit.errors import DbkitError
from dbkit.report import Report, render_text

__all__ = ["FORMATS", "render", "write_text"]

FORMATS = ("text", "json", "github", "gitlab", "junit", "sarif")
"""Every format a report of findings can have; a command may add its own."""


def render(report: Report, output_format: str) -> str:
    """The report in one of FORMATS, without a trailing newline. Raises KeyError on anything else."""
    return _writer(output_format)(report)


def write_text(path: Path, text: str) -> None:
    """Write a report to a file, whose folder is made if need be.

    Raises:
        DbkitError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise DbkitError(
            f"cannot write {path}", detail=f"{error.strerror}.", hint="Name a file that can be written."
        ) from None


def _writer(output_format: str) -> Callable[[Report], str]:
    # A run needs one of them, so one is imported.
    if output_format == "github":
        from dbkit.output.github import render_github

        return render_github
    if output_format == "gitlab":
        from dbkit.output.gitlab import render_gitlab

        return render_gitlab
    if output_format == "junit":
        from dbkit.output.junit import render_findings

        return render_findings
    if output_format == "sarif":
        from dbkit.output.sarif import render_sarif

        return render_sarif
    return {"text": render_text, "json": _render_json}[output_format]


def _render_json(report: Report) -> str:
    import json

    return json.dumps(report.as_dict(), indent=2, default=str, ensure_ascii=False)

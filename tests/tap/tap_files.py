"""What tests of `dbkit test` write and call."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from dbkit.tap.result import FileResult

Write = Callable[[str, str], Path]
RunFiles = Callable[..., list[FileResult]]
RunDbkit = Callable[..., subprocess.CompletedProcess[str]]


def assertions(*statements: str, plan: int | None = None) -> str:
    """A test file that rolls back."""
    planned = len(statements) if plan is None else plan
    body = "\n".join(f"select {statement};" for statement in statements)
    return f"begin;\nselect plan({planned});\n{body}\nselect * from finish();\nrollback;\n"

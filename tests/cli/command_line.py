"""The command line as a person or a CI job meets it: a process, its two streams and its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
DBKIT = [sys.executable, "-m", "dbkit"]


def environment(**changes: str | None) -> dict[str, str]:
    """Our environment without what chooses a database or a server, changed; None takes a variable away."""
    names = ("PG", "DBKIT_", "DATABASE_", "NO_COLOR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    cache = os.environ.get("DBKIT_CACHE_DIR")
    changed = {**kept, "LC_ALL": "C.UTF-8", **({"DBKIT_CACHE_DIR": cache} if cache else {}), **changes}
    return {name: value for name, value in changed.items() if value is not None}


def dbkit(
    folder: Path, *arguments: str, within: tuple[str, ...] = (), **changes: str | None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; `within` is a program that runs it. No output may ever hold a traceback."""
    done = subprocess.run(
        [*within, *DBKIT, *arguments], cwd=folder, env=environment(**changes), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return done


def refused(done: subprocess.CompletedProcess[str], message: str, *fragments: str) -> None:
    """Exit code 2, `error:` with a message that begins so, a hint, nothing on stdout; the fragments are in stderr."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert any(line.startswith(f"error: {message}") for line in lines), done.stderr
    assert any(line.startswith("hint: ") for line in lines), done.stderr
    assert done.stdout == ""
    for fragment in fragments:
        assert fragment in done.stderr, done.stderr


def json_error(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document on stdout of a command that failed."""
    document: dict[str, Any] = json.loads(done.stdout)
    assert {"error", "detail", "hint"} <= set(document)
    assert f"error: {document['error']}" in done.stderr
    return document

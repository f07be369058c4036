"""The command line as an operator's shell sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from dbkit.config import Config


@dataclass
class Shell:
    """dbkit as a process, on one database."""

    config: Config
    conninfo: str | None = None

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        names = ("PG", "DBKIT_", "DATABASE_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
        where = ["--database", self.conninfo] if self.conninfo is not None else []
        done = subprocess.run(
            [sys.executable, "-m", "dbkit", *arguments, *where], cwd=self.config.root, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    def json(self, *arguments: str) -> dict[str, Any]:
        """The document a command that could run prints with --format json."""
        done = self(*arguments, "--format", "json")
        assert done.returncode < 2, done.stderr
        # Python would read Infinity and NaN, which no other reader of JSON does
        document: dict[str, Any] = json.loads(done.stdout, parse_constant=_not_json)
        return document


def _not_json(word: str) -> None:
    raise AssertionError(f"{word} is not JSON")

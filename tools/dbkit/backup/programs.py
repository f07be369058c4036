"""pg_dump and pg_restore: which installation to take, and how to run one."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError

__all__ = ["client_program", "first_words", "run"]


def client_program(config: Config, name: str, major: int) -> Path:
    """The oldest installed program that is new enough: a dump by a newer one may not load into a server of `major`.

    Args:
        name: pg_dump or pg_restore.
        major: major version of the server, the least the program must have.

    Raises:
        DbkitError: none is installed, or none is new enough.
    """
    from dbkit.postgres.binaries import find_binaries

    found = {found.program(name): found.major for found in find_binaries(config) if found.has(name)}
    on_path = shutil.which(name)
    if on_path and Path(on_path) not in found:
        found[Path(on_path)] = _major(on_path)
    fitting = sorted((version, str(path)) for path, version in found.items() if version >= major)
    if fitting:
        return Path(fitting[0][1])
    versions = ", ".join(map(str, sorted(set(found.values()))))
    raise DbkitError(
        f"no {name} for PostgreSQL {major}",
        detail=f"Installed are those of {versions}." if versions else f"There is no {name} on this machine.",
        hint=f"Install the client programs of PostgreSQL {major}, e.g.: apt-get install postgresql-client-{major}",
    )


def first_words(done: subprocess.CompletedProcess[str], program: str) -> str:
    """What a program that failed complained of, without its name and without what follows from the first complaint."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    complaints = [line for line in lines if re.search(r"\b(error|fatal)\b", line, re.IGNORECASE)] or lines
    text = re.sub(rf"^{program}: (error: )?", "", complaints[0]).rstrip(".") if complaints else ""
    reason = re.search(r"Error message from server: (ERROR|FATAL): +(.*)", done.stderr)
    if reason and reason[2] not in text:
        text += f": {reason[2]}"
    return text or f"{program} ended with exit code {done.returncode}"


def run(command: Sequence[str | Path], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a client program to its end; its output is text in any encoding."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        env=dict(environment),
    )


def _major(program: str) -> int:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)(\.\d+|devel|beta|rc)", output)
    return int(version.group(1)) if version else 0

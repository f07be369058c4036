"""Files of the cache folder: whose they are, how they are written, what makes them stale."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from dbkit.report import Finding, Location, Severity

try:
    from _blake2 import blake2b  # what hashlib gives, without OpenSSL, whose loading takes 5 ms
except ImportError:  # a Python built without it
    from hashlib import blake2b

__all__ = ["blake2b", "code_digest", "digest_of", "finding_of", "forget_oldest", "is_ours", "row_of", "write_whole"]


# Files of one kind that are kept; the oldest go first.
_KEPT = 32


def is_ours(folder: Path) -> bool:
    """Whether nobody else may have written what the folder holds; true for one that does not exist."""
    try:
        return folder.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return True
    except OSError:
        return False


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, also under a second run and kill -9. Raises OSError."""
    new = path.with_name(f".new-{os.getpid()}-{time.time_ns():x}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def forget_oldest(path: Path) -> None:
    """Keep the newest files of the kind of a path, which is its name up to the dash; the others go. Raises OSError."""
    kind = path.name.partition("-")[0] + "-"
    with os.scandir(path.parent) as entries:
        files = [entry for entry in entries if entry.name.startswith(kind)]
    if len(files) > _KEPT:
        files.sort(key=lambda entry: entry.stat().st_mtime_ns)
        for old in files[:-_KEPT]:
            Path(old.path).unlink(missing_ok=True)


def digest_of(parts: Iterable[object]) -> str:
    """32 hex digits of the texts of some values."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(f"{part}\0".encode(errors="surrogatepass"))
    return digest.hexdigest()


@cache
def code_digest() -> str:
    """Changes with the linter: every module of it and what it builds on, by size and time of change."""
    package = Path(__file__).parent
    folders = (package, package / "rules", package.parent, package.parent / "tenancy", package.parent / "migrate")
    entries = [entry for folder in folders for entry in os.scandir(folder) if entry.name.endswith((".py", ".toml"))]
    return digest_of(sorted(f"{entry.path} {entry.stat().st_size} {entry.stat().st_mtime_ns}" for entry in entries))


def row_of(finding: Finding) -> list[Any]:
    """A finding of the linter as JSON values."""
    place = finding.location
    return [
        finding.rule,
        finding.message,
        int(finding.severity),
        finding.category,
        finding.object,
        [place.file, place.line, place.column] if place else None,
        finding.detail,
        finding.hint,
    ]


def finding_of(row: list[Any]) -> Finding:
    """What `row_of` took. Raises ValueError or TypeError for anything else."""
    rule, message, severity, category, named, place, detail, hint = row
    return Finding(
        rule=rule,
        message=message,
        severity=Severity(severity),
        category=category,
        object=named,
        location=Location(*place) if place else None,
        detail=detail,
        hint=hint,
    )

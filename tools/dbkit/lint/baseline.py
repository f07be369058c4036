"""A baseline: findings that were there when the linter was switched on, kept in a file and not reported again.

An entry is a finding's fingerprint (rule, object, message without numbers, file), so that it survives lines that move;
as many findings are covered as the file lists. Files are named from the project's folder, wherever the command runs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from dbkit.errors import DbkitError
from dbkit.output import write_text
from dbkit.report import Finding

__all__ = ["not_in_baseline", "write_baseline"]

_VERSION = 1


def write_baseline(path: Path, findings: list[Finding], root: Path) -> None:
    """Write every finding to the file, sorted, one a line.

    Args:
        root: the project's folder.

    Raises:
        DbkitError: the file cannot be written.
    """
    findings = [_from_root(finding, root) for finding in findings]
    entries = sorted(
        {
            (finding.location.file if finding.location else "", finding.rule, finding.fingerprint): count
            for finding, count in _counted(findings)
        }.items()
    )
    lines = [
        json.dumps({"file": file, "rule": rule, "fingerprint": fingerprint, "count": count})
        for (file, rule, fingerprint), count in entries
    ]
    body = ",\n    ".join(lines)
    write_text(path, f'{{"version": {_VERSION}, "findings": [\n    {body}\n]}}\n' if lines else _EMPTY)


_EMPTY = f'{{"version": {_VERSION}, "findings": []}}\n'


def not_in_baseline(
    path: Path, findings: list[Finding], root: Path, judged: Callable[[str], bool]
) -> tuple[list[Finding], int, int]:
    """The findings the file does not cover, how many it covers, and how many of its entries cover nothing any more.

    Args:
        root: the project's folder.
        judged: whether a file (named from there; "" for a database) was judged: entries of all others may still cover
            something.

    Raises:
        DbkitError: the file cannot be read or is no baseline.
    """
    left, files = _read(path)
    kept = []
    for finding in findings:
        known = _from_root(finding, root).fingerprint
        if left[known]:
            left[known] -= 1
        else:
            kept.append(finding)
    gone = sum(count for known, count in left.items() if count and judged(files[known]))
    return kept, len(findings) - len(kept), gone


def _from_root(finding: Finding, root: Path) -> Finding:
    """A finding whose file is named from the project's folder; it was named from the working directory."""
    if finding.location is None:
        return finding
    file = Path(finding.location.file).absolute()
    if not file.is_relative_to(root):
        return finding
    return finding._replace(location=finding.location._replace(file=str(file.relative_to(root))))


def _counted(findings: list[Finding]) -> list[tuple[Finding, int]]:
    counts = Counter(finding.fingerprint for finding in findings)
    return [(finding, counts[finding.fingerprint]) for finding in findings]


def _read(path: Path) -> tuple[Counter[str], dict[str, str]]:
    """How often each fingerprint is covered, and the file it is of."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']} instead of {_VERSION}")
        entries = [(str(entry["fingerprint"]), entry) for entry in document["findings"]]
        counts = Counter({known: int(entry["count"]) for known, entry in entries})
        return counts, {known: str(entry["file"]) for known, entry in entries}
    except FileNotFoundError:
        raise DbkitError(
            f"no baseline file {path}", hint="Write it first: dbkit lint --write-baseline " + str(path)
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DbkitError(
            f"cannot read the baseline {path}",
            detail=f"{type(error).__name__}: {error}.",
            hint="Write it anew: dbkit lint --write-baseline " + str(path),
        ) from None

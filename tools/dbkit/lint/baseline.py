"""A baseline: findings that were there when the linter was switched on, kept in a file and not reported again.

An entry is a finding's fingerprint (rule, object, message without numbers, file), so that it survives lines that move;
as many findings are covered as the file lists.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from dbkit.errors import DbkitError
from dbkit.output import write_text
from dbkit.report import Finding

__all__ = ["not_in_baseline", "write_baseline"]

_VERSION = 1


def write_baseline(path: Path, findings: list[Finding]) -> None:
    """Write every finding to the file, sorted, one a line.

    Raises:
        DbkitError: the file cannot be written.
    """
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


def not_in_baseline(path: Path, findings: list[Finding]) -> tuple[list[Finding], int, int]:
    """The findings the file does not cover, how many it covers, and how many of its entries cover nothing any more.

    Raises:
        DbkitError: the file cannot be read or is no baseline.
    """
    left = _read(path)
    kept = []
    for finding in findings:
        if left[finding.fingerprint]:
            left[finding.fingerprint] -= 1
        else:
            kept.append(finding)
    return kept, len(findings) - len(kept), left.total()


def _counted(findings: list[Finding]) -> list[tuple[Finding, int]]:
    counts = Counter(finding.fingerprint for finding in findings)
    return [(finding, counts[finding.fingerprint]) for finding in findings]


def _read(path: Path) -> Counter[str]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']} instead of {_VERSION}")
        return Counter({str(entry["fingerprint"]): int(entry["count"]) for entry in document["findings"]})
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

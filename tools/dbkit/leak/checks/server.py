"""Server: minor releases that have a known way past row security, from the list in `rls_cves.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from dbkit.leak.checks.subject import NEEDS_SQL, Subject
from dbkit.report import Evidence, Finding, Severity

__all__ = ["Defect", "affecting", "check_server", "check_version"]

_MINOR = 100  # server_version_num counts minor releases in the last two digits before 10, in the last four since
_TEN = 100_000


@dataclass(frozen=True)
class Defect:
    """One defect of the server.

    Attributes:
        id: its CVE number.
        oldest: server_version_num of the first release that has it.
        fixed: server_version_num of the releases that mend it, one a major version.
    """

    id: str
    what: str
    oldest: int
    fixed: tuple[int, ...]
    source: str


def check_server(subject: Subject) -> Iterator[Finding]:
    """Known defects of the server that the proof is about, which is not always the one the attacks ran on."""
    yield from check_version(subject.server_version_num or subject.model.relations.server_version_num)


def check_version(number: int) -> Iterator[Finding]:
    """Known defects of a server.

    Args:
        number: its server_version_num, e.g. 150009.
    """
    for defect in affecting(number):
        mended = next((_text(release) for release in defect.fixed if _major(release) == _major(number)), None)
        yield Finding(
            rule="server_minor_outdated",
            message=f"PostgreSQL {_text(number)} has {defect.id}: {defect.what}",
            severity=Severity.WARNING,
            category="server",
            object=f"PostgreSQL {_text(number)}",
            detail=f"Described at {defect.source}. {NEEDS_SQL}",
            hint=f"Update the server to {mended} or later."
            if mended
            else f"PostgreSQL {_text(_major(number))} is no longer mended; move to a supported major version.",
            evidence=Evidence(sql="show server_version_num;", witness=str(number)),
        )


def affecting(number: int) -> list[Defect]:
    """The known defects that a release has, in the order of the list."""
    found = []
    for defect in _defects():
        releases = {_major(release): release for release in defect.fixed}
        mended = releases.get(_major(number))
        unmended = mended is None and _major(number) < min(releases)
        if number >= defect.oldest and (unmended or (mended is not None and number < mended)):
            found.append(defect)
    return found


@lru_cache(maxsize=1)
def _defects() -> tuple[Defect, ...]:
    text = files("dbkit.leak").joinpath("rls_cves.toml").read_text(encoding="utf-8")
    return tuple(
        Defect(raw["id"], raw["what"], _number(raw["oldest"]), tuple(map(_number, raw["fixed"])), raw["source"])
        for raw in tomllib.loads(text)["defect"]
    )


def _number(version: str) -> int:
    """`9.5.17` -> 90517, `15.4` -> 150004, `15` -> 150000."""
    parts = [int(part) for part in version.split(".")]
    if parts[0] < 10:
        return parts[0] * 10_000 + parts[1] * _MINOR + (parts[2] if len(parts) > 2 else 0)
    return parts[0] * 10_000 + (parts[1] if len(parts) > 1 else 0)


def _major(number: int) -> int:
    return number - number % (_MINOR if number < _TEN else 10_000)


def _text(number: int) -> str:
    major, minor = _major(number), number - _major(number)
    name = f"{major // 10_000}.{major % 10_000 // _MINOR}" if number < _TEN else str(major // 10_000)
    return f"{name}.{minor}" if minor else name

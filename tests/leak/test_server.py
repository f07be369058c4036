"""Known defects of server releases: affected, mended, never affected."""

from __future__ import annotations

import pytest

from dbkit.leak.checks.server import affecting, check_version
from dbkit.report import Severity


@pytest.mark.parametrize(
    ("number", "defect", "affected"),
    [
        (110002, "CVE-2019-10130", True),
        (110003, "CVE-2019-10130", False),
        (90616, "CVE-2019-10130", False),
        (90612, "CVE-2019-10130", True),
        (150002, "CVE-2023-2455", True),
        (150003, "CVE-2023-2455", False),
        (160000, "CVE-2023-2455", False),
        (150003, "CVE-2023-39418", True),
        (150004, "CVE-2023-39418", False),
        (140001, "CVE-2023-39418", False),  # has no MERGE
        (150008, "CVE-2024-10976", True),
        (150009, "CVE-2024-10976", False),
        (110022, "CVE-2024-10976", True),  # out of support, never mended
        (170005, "CVE-2025-8713", True),
        (170006, "CVE-2025-8713", False),
        (180000, "CVE-2025-8713", False),
    ],
)
def test_a_release_has_a_defect(number: int, defect: str, affected: bool) -> None:
    assert (defect in {each.id for each in affecting(number)}) is affected


def test_a_finding_names_the_release_that_mends_it() -> None:
    findings = {finding.message.split()[3].rstrip(":"): finding for finding in check_version(150008)}
    found = findings["CVE-2024-10976"]
    assert found.severity is Severity.WARNING  # a version is no attack
    assert found.hint == "Update the server to 15.9 or later."
    assert "https://www.postgresql.org/support/security/CVE-2024-10976/" in (found.detail or "")


def test_a_major_version_out_of_support_is_told_to_move() -> None:
    assert all("supported major" in (finding.hint or "") for finding in check_version(100023))


def test_a_patched_server_has_no_finding() -> None:
    assert list(check_version(150018)) == []

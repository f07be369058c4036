"""Checks beside the table attacks, a module for each class of leak: what catalog and bodies say, shown by statements.

Only effective privileges count: what no app role can reach is no finding. Anything stated as an error is shown by a
statement that was run, with what it returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dbkit.leak.checks.functions import check_functions
from dbkit.leak.checks.roles import check_roles
from dbkit.leak.checks.subject import Subject, bypasses
from dbkit.leak.checks.tables import check_tables
from dbkit.report import Finding

__all__ = ["Subject", "bypasses", "run_checks"]

Check = Callable[[Subject], Iterable[Finding]]

# In the order they are reported: whom policies apply to, the tables, what goes around them.
CHECKS: tuple[Check, ...] = (check_roles, check_tables, check_functions)


def run_checks(subject: Subject) -> list[Finding]:
    """Every finding of every check, for the app roles and the classified tables."""
    return [finding for check in CHECKS for finding in check(subject)]

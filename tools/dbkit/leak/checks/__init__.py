"""Checks beside the table attacks, a module for each class of leak: what catalog and bodies say, shown by statements.

Only effective privileges count: what no app role can reach is no finding. Anything stated as an error is shown by a
statement that was run, with what it returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dbkit.leak.checks.arrays import check_arrays
from dbkit.leak.checks.bystanders import check_bystanders
from dbkit.leak.checks.claims import check_claims
from dbkit.leak.checks.definer_identity import check_definer_identity
from dbkit.leak.checks.flows import check_flows
from dbkit.leak.checks.functions import check_functions
from dbkit.leak.checks.large_objects import check_large_objects
from dbkit.leak.checks.oracles import check_oracles
from dbkit.leak.checks.ownerless import check_ownerless
from dbkit.leak.checks.policies import check_policies
from dbkit.leak.checks.privileges import check_privileges
from dbkit.leak.checks.publications import check_publications
from dbkit.leak.checks.references import check_references
from dbkit.leak.checks.reports import check_reports
from dbkit.leak.checks.roles import check_roles
from dbkit.leak.checks.server import check_server
from dbkit.leak.checks.side_channels import check_side_channels
from dbkit.leak.checks.subject import Focus, Subject, bypasses
from dbkit.leak.checks.tables import check_tables
from dbkit.leak.checks.view_states import check_view_states
from dbkit.leak.checks.views import check_views
from dbkit.report import Finding

__all__ = ["CHECKS", "Check", "Focus", "Subject", "bypasses", "run_checks"]

Check = Callable[[Subject], Iterable[Finding]]

# In the order they are reported: whom policies apply to, the tables, what goes around them.
CHECKS: tuple[Check, ...] = (
    check_server,
    check_roles,
    check_tables,
    check_policies,
    check_bystanders,
    check_ownerless,
    check_definer_identity,
    check_privileges,
    check_functions,
    check_oracles,
    check_views,
    check_view_states,
    check_flows,
    check_reports,
    check_arrays,
    check_references,
    check_claims,
    check_publications,
    check_large_objects,
    check_side_channels,
)


def run_checks(subject: Subject) -> list[Finding]:
    """Every finding of every check, for the app roles and the classified tables."""
    return [finding for check in CHECKS for finding in check(subject)]

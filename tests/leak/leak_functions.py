"""Run the checks of functions on a copy of the clean schema, after some SQL."""

from __future__ import annotations

from leak_schema import execute

from dbkit.leak.checks.functions import check_functions
from dbkit.leak.checks.subject import Subject
from dbkit.leak.proof import read_model
from dbkit.leak.session import Session
from dbkit.leak.synthesis import populate
from dbkit.postgres import Database
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import Declaration

PINNED = "security definer set search_path = pg_catalog, pg_temp"


def function_findings(database: Database, declaration: Declaration, sql: str) -> list[Finding]:
    """What the checks of functions find on the database once the SQL is applied."""
    execute(database.conninfo, sql)
    model = read_model(database.conninfo, declaration)
    with Session(database.conninfo) as session:
        return list(check_functions(Subject(database.conninfo, model, session, populate(session, model))))


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]

"""What every check is given: the model, the populated disposable database, and how to show that a role sees rows."""

from __future__ import annotations

from dataclasses import dataclass

from dbkit.leak.rows import Population
from dbkit.leak.session import Session
from dbkit.report import Evidence, Severity
from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import Role, Table

__all__ = ["NEEDS_PARAMETERS", "NEEDS_SQL", "Focus", "Subject", "bypasses", "severity_of_ddl", "show_rows"]

# How strong an attacker has to be, said in the detail of every finding that is an attack.
NEEDS_PARAMETERS = "Needs: parameters only."
NEEDS_SQL = "Needs: SQL in the session."


@dataclass(frozen=True)
class Focus:
    """What is worth attacking where all else is as it was proven before.

    Attributes:
        tables: those that may show or take other rows, by qualified name.
        fired: those a write to which may have other consequences.
        routines: functions, as oids.
    """

    tables: frozenset[str]
    fired: frozenset[str]
    routines: frozenset[int]


@dataclass(frozen=True)
class Subject:
    """One database under proof.

    Attributes:
        conninfo: superuser's connection string of the disposable database, for checks that attack as another role.
        session: a connection to it as superuser; what is tried on it is rolled back.
        population: the rows that were made, by table and slot.
        server_version_num: of the server the proof is about, None where the attacks run on it.
        focus: None for the whole proof.
    """

    conninfo: str
    model: Model
    session: Session
    population: Population
    server_version_num: int | None = None
    focus: Focus | None = None

    def attacks(self, *tables: str) -> bool:
        """Whether one of these tables is to be attacked."""
        return self.focus is None or not self.focus.tables.isdisjoint(tables)

    def writes(self, table: str, *touched: str) -> bool:
        """Whether what a write to the table sets off is to be attacked, where that touches these."""
        return self.attacks(table, *touched) or (self.focus is not None and table in self.focus.fired)


def bypasses(role: Role) -> bool:
    """Whether row security does not exist for the role."""
    return role.superuser or role.bypass_rls


def severity_of_ddl(model: Model) -> Severity:
    """How bad TRUNCATE, TRIGGER and REFERENCES are: PostgREST has no request that runs them."""
    return Severity.WARNING if model.declaration.preset == "supabase" else Severity.ERROR


def show_rows(session: Session, steps: list[str], tables: list[Table]) -> Evidence | None:
    """The first table whose rows the role sees without any context."""
    for table in tables:
        query = f"select count(*) from {table.sql}"
        session.must("begin")
        outcome = session.run(*steps, query)
        session.must("rollback")
        if outcome.rows and outcome.rows[0][0] not in (None, "0"):
            sql = ";\n".join(["begin", *steps, query, "rollback"]) + ";"
            return Evidence(sql=sql, witness=f"{outcome.rows[0][0]} rows of {table.qualified} without a context")
    return None

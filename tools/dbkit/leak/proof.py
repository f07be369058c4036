"""The whole proof on one disposable database: model, rows, attacks, catalog checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dbkit.conninfo import cannot_connect, refuse_old_server
from dbkit.errors import DbkitError
from dbkit.leak.attacks import attack_role
from dbkit.leak.checks import Subject, bypasses, run_checks
from dbkit.leak.completion import complete_identities
from dbkit.leak.guards import Guards, read_guards
from dbkit.leak.logins import resolve_logins
from dbkit.leak.paths import Path, RoleProof
from dbkit.leak.rows import Population
from dbkit.leak.session import Session
from dbkit.leak.synthesis import populate
from dbkit.leak.views import refresh_materialized_views
from dbkit.report import Finding
from dbkit.tenancy.classify import build_model
from dbkit.tenancy.declaration import Declaration
from dbkit.tenancy.model import Model
from dbkit.tenancy.reading import read_relations

__all__ = ["Proof", "prove", "read_model"]


@dataclass
class Proof:
    """Everything that was shown about one database; `guards` is what `--against` compares."""

    model: Model
    population: Population
    guards: Guards
    roles: list[RoleProof] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def paths(self) -> list[Path]:
        return [path for role in self.roles for path in role.paths]


def read_model(conninfo: str, declaration: Declaration, isolation: str | None = None) -> Model:
    """The tenancy model of a database; it is only read.

    Raises:
        DbkitError: the database cannot be reached, or the declaration names what it does not have.
    """
    import psycopg

    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection:
            refuse_old_server(connection.info.server_version)
            connection.read_only = True
            roles = (*declaration.app_roles, *(sample.login for sample in declaration.samples if sample.login))
            return build_model(declaration, read_relations(connection, roles), isolation=isolation)
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error)) from None


def prove(
    conninfo: str,
    declaration: Declaration,
    *,
    isolation: str | None = None,
    server_version_num: int | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Proof:
    """Populate a disposable database and attack it.

    Args:
        conninfo: superuser's connection string of a database that may be thrown away: rows are added to it.
        isolation: `[core] isolation` where core's context is in use.
        server_version_num: of the server whose schema it has, where that is another than this one.
        progress: told what is being done.

    Raises:
        DbkitError: the declaration does not fit, there is nothing to prove, or a context statement fails.
    """
    model = read_model(conninfo, declaration, isolation)
    if not any(table.protected for scope in model.scopes for table in scope.tables.values()):
        raise DbkitError(
            "no tenant table was found",
            detail=f"{declaration.source} declares no tenant column that the database has, and none could be inferred.",
            hint='Name the tenant column under [tenancy]: columns = ["…"].',
        )
    progress("making rows of two tenants")
    with Session(conninfo) as session:
        model = resolve_logins(conninfo, model)
        population = populate(session, model)
        refresh_materialized_views(session, model)
        complete_identities(conninfo, model, population)
        findings = run_checks(Subject(conninfo, model, session, population, server_version_num))
        proof = Proof(model, population, read_guards(session, model), findings=findings)
    for scope in model.scopes:
        for name in scope.scope.app_roles:
            role = model.relations.roles[name]
            if bypasses(role):
                continue  # the finding of run_checks; attacks as it would show nothing new
            progress(f"attacking as {name}")
            proof.roles.append(attack_role(conninfo, model, scope, role, population))
    return proof

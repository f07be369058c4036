"""ROLE-01, ROLE-02: app roles for which no policy applies, or that reach past policies as another role or by files."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_PARAMETERS, NEEDS_SQL, Subject, bypasses, show_rows
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.leak.session import Session
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import Role, Table

__all__ = ["check_roles"]

# Predefined roles that reach past every policy through the file system or a shell -> what shows it, in turn.
_SERVER_FILES: dict[str, tuple[str, ...]] = {
    "pg_read_server_files": (
        "create temporary table dbkit_lines (line text); copy dbkit_lines from 'PG_VERSION'",
        "select pg_read_file('PG_VERSION')",
        "select count(*) from pg_ls_dir('base')",
    ),
    "pg_write_server_files": ("copy (select 1) to '/dev/null'",),
    "pg_execute_server_program": ("copy (select 1) to program 'cat > /dev/null'",),
}
_SLOT = "select pg_create_physical_replication_slot('dbkit_leak', false, true)"
# The server's settings stand in the way, which are those of the disposable one; the role was let through.
_LET_THROUGH = ("55000", "53400")


def check_roles(subject: Subject) -> Iterator[Finding]:
    """What each app role is, may become, and reaches besides tables."""
    for name in subject.model.declaration.app_roles:
        role = subject.model.relations.roles[name]
        protected = _protected(subject.model, name)
        if bypasses(role):
            yield _bypassing(subject.session, role, protected)
        else:
            yield from _becoming(subject, role, protected)
            yield from _granting(subject, role, protected)
        yield from _reaching_files(subject.session, role)
        if role.replication and not role.superuser:
            yield _replicating(subject, role)


def _protected(model: Model, name: str) -> list[Table]:
    tables = [table for scope in model.scopes if name in scope.scope.app_roles for table in scope.tables.values()]
    return [table.table for table in tables if table.protected]


def _bypassing(session: Session, role: Role, protected: list[Table]) -> Finding:
    attribute = "is a superuser" if role.superuser else "has BYPASSRLS"
    return Finding(
        rule="app_role_bypasses_rls",
        message=f"app role {role.name} {attribute}, so no policy applies to it",
        category="ROLE-01",
        verdict=LEAK,
        object=role.name,
        detail="Attacks as this role would prove nothing and were not run: "
        + ", ".join(table.qualified for table in protected)
        + f". {NEEDS_PARAMETERS}",
        hint=f"Run: alter role {role.sql} nosuperuser nobypassrls;",
        evidence=show_rows(session, [f"set local session authorization {role.sql}"], protected),
    )


def _becoming(subject: Subject, role: Role, protected: list[Table]) -> Iterator[Finding]:
    """Roles one SET ROLE away: those no policy applies to, logins of other tenants. Owners are said with the tables."""
    roles = subject.model.relations.roles
    identities = subject.population.identities
    mine, theirs = identities[ATTACKER].login, identities[VICTIM].login
    for other in role.may_become:
        target = roles[other]
        if bypasses(target):
            steps = [f"set local session authorization {role.sql}", f"set local role {target.sql}"]
            yield Finding(
                rule="app_role_may_bypass_rls",
                message=f"app role {role.name} may become {other}, for which no policy applies",
                category="ROLE-01",
                verdict=LEAK,
                object=role.name,
                detail=NEEDS_SQL,
                hint=f"Run: revoke {target.sql} from {role.sql}; or from the role it inherits it from.",
                evidence=show_rows(subject.session, steps, protected),
            )
            continue
        if other == theirs and mine is not None and role.name == mine:
            steps = [f"set local session authorization {role.sql}", f"set local role {target.sql}"]
            yield Finding(
                rule="login_may_become_other_tenant",
                message=f"login {role.name} may become {other}, the login of another tenant",
                category="ROLE-02",
                verdict=LEAK,
                object=role.name,
                detail=NEEDS_SQL,
                hint=f"Run: revoke {target.sql} from {role.sql};",
                evidence=show_rows(subject.session, steps, protected),
            )


def _as_owner(session: Session, role: Role, target: Role, owned: list[Table]) -> Evidence | None:
    """Rows that show when the role makes itself a member of a table's owner and takes the row security off."""
    for table in owned:
        steps = [
            f"set local session authorization {role.sql}",
            f"grant {target.sql} to {role.sql}",
            f"set local role {target.sql}",
            f"alter table {table.sql} disable row level security",
        ]
        shown = show_rows(session, steps, [table])
        if shown is not None:
            return shown
    return None


def _granting(subject: Subject, role: Role, protected: list[Table]) -> Iterator[Finding]:
    """Memberships the role can give itself: with ADMIN OPTION, and before 16 with CREATEROLE any of no superuser."""
    found = _self_granted(subject, role, protected)
    if found is not None:
        target, evidence = found
        yield Finding(
            rule="app_role_may_grant_itself",
            message=f"app role {role.name} may make itself a member of {target.name}, past every policy",
            category="ROLE-02",
            verdict=LEAK,
            object=role.name,
            detail=("It has CREATEROLE. " if role.create_role else "It has the membership's ADMIN OPTION. ")
            + NEEDS_SQL,
            hint=f"Run: alter role {role.sql} nocreaterole;"
            if role.create_role
            else f"Run: revoke admin option for {target.sql} from {role.sql};",
            evidence=evidence,
        )
    elif role.create_role:
        yield Finding(
            rule="app_role_creates_roles",
            message=f"app role {role.name} has CREATEROLE; before PostgreSQL 16 that makes it a member of any role",
            severity=Severity.WARNING,
            category="ROLE-02",
            object=role.name,
            detail=f"On the server the attacks ran on it could not. {NEEDS_SQL}",
            hint=f"Run: alter role {role.sql} nocreaterole;",
        )


def _self_granted(subject: Subject, role: Role, protected: list[Table]) -> tuple[Role, Evidence] | None:
    roles = subject.model.relations.roles
    owners = {table.owner for table in protected if table.owner != role.name}
    bypassing = [other for other in roles.values() if other.bypass_rls and not other.superuser]
    for target in [*(roles[name] for name in sorted(owners)), *bypassing]:
        if target.superuser or target.name in role.may_become:
            continue
        steps = [f"set local session authorization {role.sql}", f"grant {target.sql} to {role.sql}"]
        if not _refused(subject.session, "; ".join(steps)):
            owned = [table for table in protected if table.owner == target.name]
            shown = _as_owner(subject.session, role, target, owned)
            shown = shown or show_rows(subject.session, [*steps, f"set local role {target.sql}"], protected)
            if shown is not None:
                return target, shown
    return None


def _refused(session: Session, statement: str) -> bool:
    session.must("begin")
    outcome = session.run(statement)
    session.must("rollback")
    return outcome.refused


def _reaching_files(session: Session, role: Role) -> Iterator[Finding]:
    if role.superuser:
        return
    for other in role.may_become:
        if other in _SERVER_FILES:
            shown = _shown_files(session, role, _SERVER_FILES[other])
            yield Finding(
                rule="app_role_reaches_server_files",
                message=f"app role {role.name} is a member of {other} and reaches the data files past every policy",
                severity=Severity.WARNING if shown is None else Severity.ERROR,
                category="ROLE-02",
                verdict=None if shown is None else LEAK,
                object=role.name,
                detail=NEEDS_SQL,
                hint=f"Run: revoke {other} from {role.sql};",
                evidence=shown,
            )


def _shown_files(session: Session, role: Role, statements: tuple[str, ...]) -> Evidence | None:
    for statement in statements:
        script = ["begin", f"set local session authorization {role.sql}", statement, "rollback"]
        session.must("begin")
        outcome = session.run(*script[1:3])
        session.must("rollback")
        if not outcome.refused:
            return Evidence(sql=";\n".join(script) + ";", witness=str(outcome))
    return None


def _is_subscriber(subject: Subject, role: Role) -> bool:
    """Whether replicating is what the role is for: it reaches no table, and there are publications to subscribe to.

    What those carry is judged publication by publication.
    """
    reaches = any(held.reachable for (name, _), held in subject.model.relations.privileges.items() if name == role.name)
    return not reaches and bool(subject.session.must("select 1 from pg_publication_tables limit 1").rows)


def _replicating(subject: Subject, role: Role) -> Finding:
    session = subject.session
    session.must("begin")
    outcome = session.run(f"set local session authorization {role.sql}", _SLOT)
    session.must("rollback")
    shown = (not outcome.refused or outcome.sqlstate in _LET_THROUGH) and not _is_subscriber(subject, role)
    return Finding(
        rule="app_role_replicates",
        message=f"app role {role.name} has REPLICATION and may stream every row of the cluster",
        severity=Severity.ERROR if shown else Severity.WARNING,
        category="ROLE-02",
        verdict=LEAK if shown else None,
        object=role.name,
        detail="Replication asks no policy. Needs: a replication connection.",
        hint=f"Run: alter role {role.sql} noreplication;",
        evidence=Evidence(
            sql=f"set session authorization {role.sql};\n{_SLOT};",
            witness=f"only the server's settings stop it: {outcome}" if outcome.refused else f"made: {outcome}",
        ),
    )

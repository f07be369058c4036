"""ROLE-01, ROLE-02: app roles for which no policy applies, or that reach past policies through the server's files."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import Subject, bypasses, show_rows
from dbkit.leak.paths import LEAK
from dbkit.leak.session import Session
from dbkit.report import Evidence, Finding
from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import Role

__all__ = ["check_roles"]

# Predefined roles that reach past every policy through the file system or a shell.
_SERVER_FILES = ("pg_read_server_files", "pg_write_server_files", "pg_execute_server_program")


def check_roles(subject: Subject) -> Iterator[Finding]:
    for name in subject.model.declaration.app_roles:
        yield from _check_role(subject.model, subject.session, name)


def _check_role(model: Model, session: Session, name: str) -> Iterator[Finding]:
    role = model.relations.roles[name]
    tables = [table for scope in model.scopes if name in scope.scope.app_roles for table in scope.tables.values()]
    protected = [table.table for table in tables if table.protected]
    if bypasses(role):
        attribute = "is a superuser" if role.superuser else "has BYPASSRLS"
        shown = show_rows(session, [f"set local session authorization {role.sql}"], protected)
        yield Finding(
            rule="app_role_bypasses_rls",
            message=f"app role {name} {attribute}, so no policy applies to it",
            category="ROLE-01",
            verdict=LEAK,
            object=name,
            detail="Attacks as this role would prove nothing and were not run: "
            + ", ".join(table.qualified for table in protected)
            + ".",
            hint=f"Run: alter role {role.sql} nosuperuser nobypassrls;",
            evidence=shown,
        )
    for other in role.may_become:
        target = model.relations.roles[other]
        if bypasses(target):
            steps = [f"set local session authorization {role.sql}", f"set local role {target.sql}"]
            yield Finding(
                rule="app_role_may_bypass_rls",
                message=f"app role {name} may become {other}, for which no policy applies",
                category="ROLE-01",
                verdict=LEAK,
                object=name,
                hint=f"Run: revoke {target.sql} from {role.sql}; or from the role it inherits it from.",
                evidence=show_rows(session, steps, protected),
            )
        if other in _SERVER_FILES:
            yield Finding(
                rule="app_role_reaches_server_files",
                message=f"app role {name} is a member of {other} and reaches the data files past every policy",
                category="ROLE-02",
                verdict=LEAK,
                object=name,
                hint=f"Run: revoke {target.sql} from {role.sql};",
                evidence=_shown_files(session, role),
            )


def _shown_files(session: Session, role: Role) -> Evidence:
    statement = "select count(*) from pg_ls_dir('base')"
    session.must("begin")
    outcome = session.run(f"set local session authorization {role.sql}", statement)
    session.must("rollback")
    return Evidence(sql=f"set session authorization {role.sql};\n{statement};", witness=str(outcome))

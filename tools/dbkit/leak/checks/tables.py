"""RLS-01, RLS-02, POL-01, PRIV-01, PRIV-02: tables whose guard is missing, not forced, or beside the point."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import Subject, bypasses, severity_of_ddl, show_rows
from dbkit.leak.paths import LEAK
from dbkit.leak.session import Session
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.declaration import Scope
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel
from dbkit.tenancy.relations import Role, Table

__all__ = ["check_tables"]

_EMPTIED = "the table is empty for everybody"


def check_tables(subject: Subject) -> Iterator[Finding]:
    seen: set[tuple[str, str | None]] = set()
    for scope in subject.model.scopes:
        for table in scope.tables.values():
            for finding in _check_table(subject.model, subject.session, scope, table):
                if (finding.rule, finding.object) not in seen:
                    seen.add((finding.rule, finding.object))
                    yield finding


def _check_table(model: Model, session: Session, scope: ScopeModel, table: TableModel) -> Iterator[Finding]:
    reaching = [
        role for role in scope.scope.app_roles if model.relations.privileges[role, table.table.qualified].reachable
    ]
    if not reaching:
        return
    name = table.table.qualified
    if table.kind is Kind.INTERNAL:
        yield Finding(
            rule="internal_table_reachable",
            message=f"{name} is declared internal and {', '.join(reaching)} holds privileges on it",
            category="PRIV-01",
            verdict=LEAK,
            object=name,
            hint=f"Run: revoke all on {table.table.sql} from {', '.join(reaching)};",
        )
    elif table.kind is Kind.SHARED:
        yield from _check_shared(model, session, scope.scope, table)
    elif table.protected:
        yield from _check_protected(model, session, table, reaching)


def _check_shared(model: Model, session: Session, scope: Scope, table: TableModel) -> Iterator[Finding]:
    """A row every tenant reads and one tenant writes is a channel between them."""
    name = table.table.qualified
    for role in scope.app_roles:
        if model.relations.may(role, table.table, "truncate") and not bypasses(model.relations.roles[role]):
            # A table that references it keeps it from being emptied, unless that may be emptied too.
            finding = _truncated(model, session, model.relations.roles[role], table.table)
            if finding.evidence and finding.evidence.witness == _EMPTIED:
                yield finding
        held = [p for p in ("update", "delete") if model.relations.may(role, table.table, p)]
        if held and not table.table.rls:
            yield Finding(
                rule="shared_table_writable",
                message=f"{role} may {' and '.join(held)} rows of {name}, which every tenant shares",
                severity=Severity.WARNING,
                category="PRIV-02",
                object=name,
                hint=f"Run: revoke {', '.join(held)} on {table.table.sql} from {role};",
            )


def _check_protected(model: Model, session: Session, table: TableModel, reaching: list[str]) -> Iterator[Finding]:
    catalog, name = table.table, table.table.qualified
    if not catalog.rls:
        yield Finding(
            rule="rls_not_enabled",
            message=f"row security on {name} is not enabled, and {', '.join(reaching)} reaches it",
            category="RLS-01",
            verdict=LEAK,
            object=name,
            hint=f"Run: alter table {catalog.sql} enable row level security, force row level security;",
        )
    elif not catalog.policies:
        yield Finding(
            rule="rls_without_policy",
            message=f"{name} has row security and no policy, so the privileges of {', '.join(reaching)} are dead",
            severity=Severity.WARNING,
            category="RLS-01",
            object=name,
            hint="Write a policy for each command the roles need, or revoke the privileges.",
        )
    if catalog.rls and not catalog.forced:
        owning = [role for role in reaching if catalog.owner in (role, *model.relations.roles[role].may_become)]
        yield Finding(
            rule="rls_not_forced",
            message=f"row security on {name} is not forced"
            + (f", and {', '.join(owning)} acts as its owner" if owning else ", so it does not apply to its owner"),
            severity=Severity.ERROR if owning else Severity.WARNING,
            category="RLS-02",
            verdict=LEAK if owning else None,
            object=name,
            hint=f"Run: alter table {catalog.sql} force row level security;",
            evidence=_shown_owner(session, model, catalog, owning),
        )
    yield from _check_policies(model, table, reaching)
    yield from _check_privileges(model, session, catalog)


def _check_policies(model: Model, table: TableModel, reaching: list[str]) -> Iterator[Finding]:
    """A policy that admits every row leaves isolation to whatever else refuses (a trigger, a missing grant)."""
    catalog = table.table
    if not catalog.rls:
        return
    for policy in catalog.policies:
        roles = {"public", *reaching, *(other for role in reaching for other in model.relations.roles[role].may_become)}
        fenced = any(not other.permissive and other.command in ("all", policy.command) for other in catalog.policies)
        parts = [part for part, text in (("USING", policy.using), ("WITH CHECK", policy.check)) if text == "true"]
        if policy.permissive and parts and roles & set(policy.roles) and not fenced:
            yield Finding(
                rule="policy_always_true",
                message=f"policy {policy.name} on {catalog.qualified} has {' and '.join(parts)} (true)",
                severity=Severity.WARNING,
                category="POL-01",
                object=catalog.qualified,
                detail="Where no attack shows a leak, only something else refuses the rows.",
                hint="Compare the tenant column with the context in it.",
            )


def _shown_owner(session: Session, model: Model, table: Table, owning: list[str]) -> Evidence | None:
    owner = model.relations.roles[table.owner]
    steps = [f"set local session authorization {model.relations.roles[owning[0]].sql}"] if owning else []
    return show_rows(session, [*steps, f"set local role {owner.sql}"], [table])


def _check_privileges(model: Model, session: Session, table: Table) -> Iterator[Finding]:
    """TRUNCATE ignores row security; TRIGGER lets a role run code in other tenants' writes."""
    for name in model.declaration.app_roles:
        role, held = model.relations.roles[name], model.relations.privileges[name, table.qualified].table
        if bypasses(role):
            continue
        if table.owner in (name, *role.may_become):
            yield Finding(
                rule="app_role_owns_table",
                message=f"app role {name} acts as the owner of {table.qualified} and may switch row security off",
                severity=Severity.WARNING,
                category="RLS-02",
                object=table.qualified,
                hint=f"Give the table to a role that no request runs as: alter table {table.sql} owner to …;",
            )
            continue
        if "truncate" in held:
            yield _truncated(model, session, role, table)
        if "trigger" in held:
            yield Finding(
                rule="trigger_granted",
                message=f"{name} may create triggers on {table.qualified}, which run in other tenants' writes",
                severity=severity_of_ddl(model),
                category="PRIV-01",
                verdict=LEAK if severity_of_ddl(model) is Severity.ERROR else None,
                object=table.qualified,
                hint=f"Run: revoke trigger on {table.sql} from {role.sql};",
                evidence=_shown_trigger(session, role, table),
            )


def _truncated(model: Model, session: Session, role: Role, table: Table) -> Finding:
    statement = f"truncate {table.sql} cascade"
    session.must("begin")
    outcome = session.run(f"set local session authorization {role.sql}", statement)
    session.must("rollback")
    return Finding(
        rule="truncate_granted",
        message=f"{role.name} may truncate {table.qualified}, which empties it for every tenant",
        severity=severity_of_ddl(model),
        category="PRIV-01",
        verdict=LEAK if severity_of_ddl(model) is Severity.ERROR else None,
        object=table.qualified,
        hint=f"Run: revoke truncate on {table.sql} from {role.sql};",
        evidence=Evidence(
            sql=f"begin;\nset local session authorization {role.sql};\n{statement};\nrollback;",
            witness="refused for a referencing table" if outcome.refused else _EMPTIED,
        ),
    )


def _shown_trigger(session: Session, role: Role, table: Table) -> Evidence:
    """A trigger made of a function everybody has; one of the role's own would see and change other tenants' rows."""
    statement = (
        f"create trigger dbkit_probe before update on {table.sql} for each row "
        "execute function pg_catalog.suppress_redundant_updates_trigger()"
    )
    script = ["begin", f"set local session authorization {role.sql}", statement, "rollback"]
    session.must("begin")
    outcome = session.run(*script[1:3])
    session.must("rollback")
    return Evidence(sql=";\n".join(script) + ";", witness=str(outcome) if outcome.refused else "the trigger is there")

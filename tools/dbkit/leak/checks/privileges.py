"""PRIV-01: table privileges that reach other tenants' rows without a statement that row security judges.

REFERENCES lets a role make a foreign key of its own to the table, whose check asks for a key past every policy.
MAINTAIN (since 17) lets it lock the table against everybody. TRUNCATE and TRIGGER are told with the tables.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import NEEDS_SQL, Subject, bypasses, severity_of_ddl
from dbkit.leak.paths import LEAK
from dbkit.leak.rows import ATTACKER, VICTIM, TableRows, Values
from dbkit.leak.session import Outcome
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.relations import Role, Table, UniqueKey, literal

__all__ = ["check_privileges"]

_WRITABLE_SCHEMAS = """
select quote_ident(nspname) from pg_namespace
where has_schema_privilege({role}, oid, 'create') and nspname !~ '^pg_' and nspname <> 'information_schema' order by 1
"""


def check_privileges(subject: Subject) -> Iterator[Finding]:
    """REFERENCES and MAINTAIN on protected tables, for every app role that policies apply to."""
    model = subject.model
    for scope in model.scopes:
        for role in map(model.relations.roles.__getitem__, scope.scope.app_roles):
            schemas = subject.session.must(_WRITABLE_SCHEMAS.format(role=literal(role.name))).rows
            for name, table in scope.tables.items():
                if bypasses(role) or not table.protected or table.table.owner in (role.name, *role.may_become):
                    continue
                held, rows = model.relations.privileges[role.name, name], subject.population.tables.get(name)
                if held.may("references") and rows is not None and schemas:
                    yield from _referencing(subject, role, table.table, rows, schemas[0][0] or "")
                if "maintain" in held.table:
                    yield _maintaining(role, table.table)


def _referencing(subject: Subject, role: Role, table: Table, rows: TableRows, schema: str) -> Iterator[Finding]:
    """A foreign key of the attacker's own that tells the victim's key from one that is nobody's."""
    granted = subject.model.relations.privileges[role.name, table.qualified].columns.get("references", frozenset())
    for unique in table.uniques:
        key = [name for name in unique.columns if name]
        if unique.partial or unique.exclusion or len(key) != len(unique.columns) or not set(key) <= granted:
            continue
        if not {ATTACKER, VICTIM} <= set(rows.rows) or any(rows.rows[VICTIM][name] is None for name in key):
            continue
        opening = [
            f"set local session authorization {role.sql}",
            f"create table {schema}.dbkit_probe ({_columns(table, unique)}, "
            f"foreign key ({_list(table, key)}) references {table.sql} ({_list(table, key)}))",
        ]
        theirs = _probe(table, schema, key, rows.rows[VICTIM])
        # Half of the key is the victim's and half the attacker's: nobody's, unless it is one column.
        nobody = _probe(table, schema, key, {**rows.rows[VICTIM], key[-1]: _unlike(table, key[-1], rows)})
        found, missing = _tried(subject, opening, theirs), _tried(subject, opening, nobody)
        if not found.refused and missing.sqlstate == "23503":
            yield Finding(
                rule="references_granted",
                message=f"{role.name} may reference {table.qualified} and so ask which keys other tenants have",
                severity=severity_of_ddl(subject.model),
                category="PRIV-01",
                verdict=LEAK if severity_of_ddl(subject.model) is Severity.ERROR else None,
                object=table.qualified,
                detail=f"A foreign key is checked past every policy. {NEEDS_SQL}",
                hint=f"Run: revoke references on {table.sql} from {role.sql};",
                evidence=Evidence(
                    sql=";\n".join(["begin", *opening, theirs, "rollback"]) + ";",
                    witness=f"a key of the victim is accepted: {found}",
                    control=f"{nobody}; -- a key of nobody: {missing}",
                ),
            )
            return


def _columns(table: Table, unique: UniqueKey) -> str:
    return ", ".join(f"{table.columns[name].sql} {table.columns[name].type}" for name in unique.columns if name)


def _list(table: Table, names: list[str]) -> str:
    return ", ".join(table.columns[name].sql for name in names)


def _probe(table: Table, schema: str, key: list[str], row: Values) -> str:
    values = ", ".join(f"{literal(row[name])}::{table.columns[name].type}" for name in key)
    return f"insert into {schema}.dbkit_probe values ({values})"


def _unlike(table: Table, name: str, rows: TableRows) -> str | None:
    """A value of the column that no row has, as far as its type lets one be made by hand."""
    value, base = rows.rows[VICTIM][name] or "", table.columns[name].base
    if base == "uuid":
        return "00000000-0000-0000-0000-00000000dead"
    if base in ("int2", "int4", "int8", "numeric"):
        return "31313"
    return f"no {value}"[: table.columns[name].length or None]


def _tried(subject: Subject, opening: list[str], statement: str) -> Outcome:
    subject.session.must("begin")
    outcome = subject.session.run(*opening, statement)
    subject.session.must("rollback")
    return outcome


def _maintaining(role: Role, table: Table) -> Finding:
    return Finding(
        rule="maintain_granted",
        message=f"{role.name} may lock {table.qualified} against every tenant with MAINTAIN",
        severity=Severity.WARNING,
        category="PRIV-01",
        object=table.qualified,
        detail=f"VACUUM FULL, CLUSTER and LOCK TABLE stop everybody's statements. {NEEDS_SQL}",
        hint=f"Run: revoke maintain on {table.sql} from {role.sql};",
    )

"""`--static`: what the catalogs of the given database say by themselves; nothing is copied, made or attacked.

The checks are those of the proof, on a session that answers questions to the catalogs and refuses all else. A leak that
needs no attack to be seen is reported; everything else is not proven, so the result is never green.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from dbkit.errors import DbkitError
from dbkit.leak.checks import CHECKS, Subject
from dbkit.leak.matrix import plural
from dbkit.leak.paths import LEAK, UNVERIFIED
from dbkit.leak.proof import read_model
from dbkit.leak.rows import Population
from dbkit.leak.session import Outcome, Session
from dbkit.lint.trees import names, relation, walk
from dbkit.parse import Node, SyntaxFault, parse_tree
from dbkit.report import Finding, Report, Severity
from dbkit.tenancy.declaration import Declaration
from dbkit.tenancy.model import Model

__all__ = ["CatalogSession", "static_report"]

# Checks that attack on connections of their own find nobody there.
_NOWHERE = "host=/dev/null/dbkit-static connect_timeout=1"
_VOLATILE = """
select proname from pg_catalog.pg_proc
where pronamespace = 'pg_catalog'::regnamespace and provolatile = 'v'
"""
_CATALOGS = ("pg_catalog", "information_schema")
_HARMLESS = {"TRANS_STMT_BEGIN", "TRANS_STMT_START", "TRANS_STMT_ROLLBACK", "TRANS_STMT_COMMIT"}


class CatalogSession(Session):
    """A read-only session that sends only what reads catalogs; every other statement is refused before it is sent."""

    _options = (
        "-c client_min_messages=error -c statement_timeout=15s -c default_transaction_read_only=on "
        "-c search_path=pg_catalog"
    )

    @cached_property
    def _volatile(self) -> frozenset[str]:
        """Built-in functions that do something, or answer otherwise each time."""
        return frozenset(str(row[0]) for row in super().run(_VOLATILE).rows)

    def run(self, *statements: str) -> Outcome:
        for statement in statements:
            if not self._reads_catalogs(statement):
                return Outcome(sqlstate="25006", message="not run: --static only reads the catalogs")
        return super().run(*statements)

    def _reads_catalogs(self, text: str) -> bool:
        try:
            return all(self._harmless(statement) for statement in parse_tree(text))
        except SyntaxFault:
            return False

    def _harmless(self, statement: Node) -> bool:
        ((tag, root),) = statement["stmt"].items()
        if tag == "TransactionStmt":
            return root["kind"] in _HARMLESS
        if tag != "SelectStmt" or "intoClause" in root:
            return False
        nodes = list(walk(statement["stmt"]))
        aliases = {node["ctename"] for tag, node in nodes if tag == "CommonTableExpr"}
        return all(self._allows(tag, node, aliases) for tag, node in nodes)

    def _allows(self, tag: str, node: Node, aliases: set[str]) -> bool:
        if tag == "RangeVar":
            schema, name = relation(node)
            return schema in _CATALOGS if schema else name in aliases or name.startswith("pg_")
        if tag == "FuncCall":
            *schemas, name = names(node["funcname"])
            return schemas in ([], ["pg_catalog"]) and name not in self._volatile
        return tag not in ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "LockingClause")


def static_report(conninfo: str, declaration: Declaration, isolation: str | None = None) -> Report:
    """Run every check on the catalogs alone.

    Raises:
        DbkitError: the database cannot be reached, or the declaration names what it does not have.
    """
    model = read_model(conninfo, declaration, isolation)
    report = Report("leak", server=f"PostgreSQL {model.relations.server_version}")
    with CatalogSession(conninfo) as session:
        subject = Subject(_NOWHERE, model, session, Population(identities={}))
        stopped: list[str] = []
        for check in CHECKS:
            report.findings += _run(check.__name__.removeprefix("check_"), check(subject), stopped)
    tables = sorted({name for scope in model.scopes for name, table in scope.tables.items() if table.protected})
    report.findings += [_not_proven(tables), *([_stopped(stopped)] if stopped else [])]
    report.summary = {
        "mode": "static",
        "tables": len(tables),
        "roles": len(model.declaration.app_roles),
        "leaks": sum(finding.verdict == LEAK for finding in report.findings),
        "unverified": sum(finding.verdict == UNVERIFIED for finding in report.findings),
        "left_out": left_out(model),
    }
    return report


def left_out(model: Model) -> list[str]:
    """What nobody here is answerable for: tables and views that belong to extensions, by name."""
    return sorted(model.relations.extension_tables)


def _run(name: str, findings: Iterable[Finding], stopped: list[str]) -> Iterator[Finding]:
    """A check's findings without evidence, which only an attack gives; one that cannot go on is added to `stopped`."""
    try:
        for finding in findings:
            detail = " ".join(filter(None, [finding.detail, "Seen in the catalogs; no attack was run."]))
            yield finding._replace(evidence=None, detail=detail)
    except (DbkitError, LookupError):
        # It asked for a row of a tenant, or for the answer to a statement that was refused.
        stopped.append(name)


def _stopped(checks: list[str]) -> Finding:
    return Finding(
        rule="check_needs_attacks",
        message=f"{plural(len(checks), 'check')} could not be finished without attacks",
        severity=Severity.WARNING,
        verdict=UNVERIFIED,
        detail=f"They need rows or answers that a look at the catalogs does not give: {', '.join(checks)}.",
        hint="Leave --static out.",
    )


def _not_proven(tables: list[str]) -> Finding:
    return Finding(
        rule="not_proven",
        message=f"{plural(len(tables), 'table')} not attacked, so nothing about them is proven",
        severity=Severity.WARNING,
        verdict=UNVERIFIED,
        detail=", ".join(tables) + ".",
        hint="Leave --static out: the schema is copied to a disposable server and attacked there.",
    )

"""`--against BASE`: what a change adds. The base is proven like the rest, or was: then its saved report says it.

A finding counts as added when the base has none like it, or had it in fewer context states. Differences between the
guards of the two are findings too, each with its risk; a dangerous one fails the run although no attack shows a leak.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from dbkit.config import Config, load_config
from dbkit.conninfo import cannot_connect, masked, refuse_old_server
from dbkit.errors import DbkitError
from dbkit.leak.changes import Change, Risk, guard_changes
from dbkit.leak.clone import Disposable, disposable_copy
from dbkit.leak.guards import Guards, read_guards
from dbkit.leak.proof import prove, read_model
from dbkit.leak.render import report_of
from dbkit.leak.session import Session
from dbkit.report import Finding, Report, Severity
from dbkit.tenancy.declaration import Declaration, load_declaration
from dbkit.tenancy.reading import read_relations
from dbkit.tenancy.relations import Relations

__all__ = ["Base", "compared_with", "resolve_base"]

_Key = tuple[str, str]
_NOTHING: Guards = {"tables": {}, "views": {}, "functions": {}, "roles": {}, "others": {}}
_SEVERITIES = {Risk.DANGEROUS: Severity.WARNING}


@dataclass(frozen=True)
class Base:
    """What a report is compared with.

    Attributes:
        name: as the user gave it, without a password.
        findings: what was wrong there -> the clauses of its detail.
        guards: None where a saved report holds none.
    """

    name: str
    findings: dict[_Key, frozenset[str]]
    guards: Guards | None


def resolve_base(config: Config, declaration: Declaration, base: str, module: str | None) -> Base:
    """The base of a comparison, proven where it is no saved report.

    Args:
        base: a file with a JSON report of `dbkit leak`, a database URL, or a revision of the project's git history.

    Raises:
        DbkitError: it is none of these, or it cannot be proven.
    """
    path = Path(base)
    if path.is_file():
        return _saved(path)
    if "://" in base or re.search(r"\b(host|dbname|service)=", base):
        fitted = _fitted(declaration, _relations(base, declaration))
        if fitted is None:
            return Base(masked(base), {}, _NOTHING)
        with disposable_copy(config, fitted, None, base) as copy:
            return _proven(masked(base), copy)
    with _checked_out(config, base) as before:
        # A declaration given apart belongs to the tree as it is now; the project's own is taken as it was then.
        own = declaration.source == str(config.path)
        then = load_declaration(before) if own and before.tenancy is not None else declaration
        with disposable_copy(before, then, module, None) as copy:
            return _proven(base, copy)


def compared_with(base: Base, report: Report) -> Report:
    """The report without what the base had too, and with every difference between their guards."""
    complaints = [finding for finding in report.findings if finding.severity >= Severity.WARNING]
    added = [finding for finding in complaints if not _known(base, finding)]
    changes: list[Change] = []
    if base.guards is not None:
        changes = guard_changes(base.guards, report.summary["guards"])
    risks = {str(risk): sum(change.risk is risk for change in changes) for risk in reversed(Risk)}
    summary = {
        **report.summary,
        "against": base.name,
        "added": len(added),
        "known": len(complaints) - len(added),
        "changes": risks if base.guards is not None else None,
    }
    findings = [*added, *(_finding(change) for change in changes)]
    # What a change weakens fails it, also where no attack shows a leak yet.
    return replace(report, findings=findings, summary=summary, threshold=Severity.WARNING)


def _known(base: Base, finding: Finding) -> bool:
    clauses = base.findings.get(_key(finding))
    if clauses is None:
        return False
    # Only what is judged over several context states says in its detail which of them are concerned.
    return " context state" not in finding.message or _clauses(finding.detail) <= clauses


def _key(finding: Finding) -> _Key:
    """Object and message; the rule is left out, since a leak's is that of the first context state that leaks."""
    return finding.identity[1:]


def _clauses(detail: str | None) -> frozenset[str]:
    return frozenset((detail or "").removesuffix(".").split("; "))


def _finding(change: Change) -> Finding:
    return Finding(
        rule=change.rule,
        message=f"{change.risk}: {change.message}",
        severity=_SEVERITIES.get(change.risk, Severity.NOTE),
        category=str(change.risk),
        object=change.object,
        detail=change.reason,
    )


def _proven(name: str, copy: Disposable) -> Base:
    """Prove the base; names that it has not got yet are left out of the declaration."""
    declaration = _fitted(copy.declaration, _relations(copy.conninfo, copy.declaration))
    if declaration is None:
        return Base(name, {}, _NOTHING)
    model = read_model(copy.conninfo, declaration, copy.isolation)
    if not any(table.protected for scope in model.scopes for table in scope.tables.values()):
        with Session(copy.conninfo) as session:
            return Base(name, {}, read_guards(session, model))
    report = report_of(prove(copy.conninfo, declaration, isolation=copy.isolation))
    return Base(name, _complaints(report.findings), report.summary["guards"])


def _relations(conninfo: str, declaration: Declaration) -> Relations:
    import psycopg

    try:
        with psycopg.connect(conninfo, connect_timeout=10) as connection:
            refuse_old_server(connection.info.server_version)
            connection.read_only = True
            return read_relations(connection, declaration.app_roles)
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error), source="--against") from None


def _complaints(findings: Iterable[Finding]) -> dict[_Key, frozenset[str]]:
    found: dict[_Key, frozenset[str]] = {}
    for finding in findings:
        if finding.severity >= Severity.WARNING:
            found[_key(finding)] = found.get(_key(finding), frozenset()) | _clauses(finding.detail)
    return found


def _fitted(declaration: Declaration, relations: Relations) -> Declaration | None:
    """The declaration without names that the base has not got; None where it has none of the app roles."""
    bare = {name.rpartition(".")[2] for name in relations.tables}
    columns = {column for table in relations.tables.values() for column in table.columns}

    def has(table: str, column: str | None = None) -> bool:
        known = relations.tables.get(table)
        if known is None:
            return table in bare
        return column is None or column in known.columns

    def mapping(names: Any) -> dict[str, str]:
        return {table: column for table, column in names.items() if has(table, column)}

    scopes = [
        replace(scope, app_roles=roles, tables=mapping(scope.tables))
        for scope in declaration.scopes
        if (roles := tuple(role for role in scope.app_roles if role in relations.roles))
    ]
    if not scopes or scopes[0].name != declaration.scopes[0].name:
        return None
    memberships = declaration.memberships
    return replace(
        declaration,
        scopes=tuple(scopes),
        tenants=declaration.tenants if declaration.tenants and has(declaration.tenants.rpartition(".")[0]) else None,
        columns=tuple(filter(columns.__contains__, declaration.columns)),
        schemas={
            schema: column
            for schema, column in declaration.schemas.items()
            if any(table.schema == schema and column in table.columns for table in relations.tables.values())
        },
        tables=mapping(declaration.tables),
        user_tables=mapping(declaration.user_tables),
        shared=tuple(filter(has, declaration.shared)),
        internal=tuple(filter(has, declaration.internal)),
        memberships=memberships if memberships and has(memberships.table, memberships.user_column) else None,
        definers=tuple(name for name in declaration.definers if name.split("(")[0] in relations.functions),
        values={path: texts for path, texts in declaration.values.items() if has(*path.rpartition(".")[::2])},
    )


def _saved(path: Path) -> Base:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        findings = [_read_finding(item) for item in document["findings"]]
        if document["command"] != "leak":
            raise ValueError(f"it is the report of dbkit {document['command']}")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise DbkitError(
            f"not a report of dbkit leak: {path}",
            detail=f"{problem}.",
            hint=f"Save one with: dbkit leak --format json --output {path}",
        ) from None
    guards = document.get("summary", {}).get("guards")
    known = isinstance(guards, dict) and guards.keys() >= _NOTHING.keys()
    return Base(str(path), _complaints(findings), guards if known else None)


def _read_finding(item: dict[str, Any]) -> Finding:
    return Finding(
        rule=item["rule"],
        message=item["message"],
        severity=Severity.parse(item["severity"]),
        object=item["object"],
        detail=item["detail"],
    )


@contextmanager
def _checked_out(config: Config, revision: str) -> Iterator[Config]:
    """The project as it was at a revision, in a folder that goes away."""
    archive = _archive(config.root, revision)
    with tempfile.TemporaryDirectory(prefix="dbkit-base-") as folder:
        with tarfile.open(fileobj=BytesIO(archive)) as tar:
            # Python knows filters since 3.11.4; before that, what git packs of our own repository is taken as it is.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(folder)
        name = config.path.name if config.path else "dbkit.toml"
        if not (Path(folder) / name).is_file():
            raise DbkitError(
                f"no project at revision {revision}",
                detail=f"{name} does not exist there.",
                hint="Name a later revision, a database URL or a saved report with --against.",
            )
        yield load_config(Path(folder) / name)


def _archive(root: Path, revision: str) -> bytes:
    """The project's folder at a revision as a tar archive."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "archive", "--format=tar", "--end-of-options", revision],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise DbkitError(
            "git not found", detail="Reading a revision needs it.", hint="Install git, or give a saved report."
        ) from None
    if done.returncode != 0:
        raise DbkitError(
            f"base of the comparison not found: {revision}",
            detail="It is no file and no database URL, and git says: "
            + done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
            + ".",
            hint="Give --against a database URL, a git revision of this project, or a JSON report saved with --output.",
        )
    return done.stdout

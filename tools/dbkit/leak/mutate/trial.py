"""Prove one mutant on its own clone: all that it can have changed, the likeliest first, until a leak is shown.

The unmutated database was proven whole, on the same rows. What a broken thing cannot reach is as it was then, and is
not attacked again; to leave too much out can only make the score worse.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dbkit.errors import DbkitError
from dbkit.leak.attacks import attack_role
from dbkit.leak.checks import CHECKS, Check, Focus, Subject, bypasses
from dbkit.leak.mutate.mutants import Mutant
from dbkit.leak.paths import LEAK, UNVERIFIED
from dbkit.leak.proof import read_model
from dbkit.leak.render import findings_of
from dbkit.leak.rows import Population
from dbkit.leak.session import Session
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import Declaration
from dbkit.tenancy.model import Model

__all__ = ["IMPOSSIBLE", "LEAKED", "REFUSED", "SURVIVED", "Ground", "Trial", "is_wrong", "try_mutant"]

# How a trial ends. A mutant is killed when the proof shows a leak, and when it refuses to call it proven.
LEAKED, REFUSED, SURVIVED, IMPOSSIBLE = "leak", "unverified", "survived", "impossible"

# operator -> checks that look at what it breaks, by the name of their module
_NEAREST = {
    "grant-truncate": ("tables",),
    "bypassrls": ("roles",),
    "member-of": ("roles",),
    "view-definer": ("views",),
    "view-without": ("views",),
    "no-barrier": ("views",),
    "unique-without-tenant": ("oracles",),
    "fk-without-tenant": ("references",),
    "grant-all-columns-insert": ("claims", "oracles"),
    "grant-all-columns-update": ("claims", "oracles"),
}
# Checks that look at functions which nothing but their callers runs.
_OF_FUNCTIONS = ("functions", "definer_identity")
# Tables that are attacked first where many may show otherwise.
_FEW = 2


@dataclass(frozen=True)
class Ground:
    """What every trial starts from.

    Attributes:
        server_version_num: of the server whose schema it is, None where that is the one it runs on.
        population: rows that are in every clone.
        model: of the unmutated database.
        known: (rule, object) of findings of the unmutated proof, which kill nothing.
    """

    declaration: Declaration
    isolation: str | None
    server_version_num: int | None
    population: Population
    model: Model
    known: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Trial:
    """One mutant and what the proof said to it.

    Attributes:
        verdict: LEAKED or REFUSED (killed), SURVIVED, or IMPOSSIBLE where the mutant cannot be made.
        by: the finding that killed it, the warning it only got, or the server's refusal of the mutant.
        seconds: wall time.
    """

    mutant: Mutant
    verdict: str
    by: str = ""
    seconds: float = 0.0

    @property
    def killed(self) -> bool:
        return self.verdict in (LEAKED, REFUSED)


def is_wrong(finding: Finding) -> bool:
    """Whether a finding makes the proof fail."""
    return finding.severity >= Severity.ERROR or finding.verdict in (LEAK, UNVERIFIED)


def try_mutant(conninfo: str, mutant: Mutant, ground: Ground) -> Trial:
    """Break a populated clone and prove it.

    Args:
        conninfo: superuser's connection string of the clone.
    """
    started = time.monotonic()
    verdict, by = _tried(conninfo, mutant, ground)
    return Trial(mutant, verdict, by, time.monotonic() - started)


def _tried(conninfo: str, mutant: Mutant, ground: Ground) -> tuple[str, str]:
    with Session(conninfo) as session:
        session.must("begin")
        for statement in mutant.sql:
            outcome = session.run(statement)
            if outcome.refused:
                return IMPOSSIBLE, str(outcome)
        session.must("commit")
    findings = []
    try:
        for finding in _findings(conninfo, mutant, ground):
            if _kills(finding, ground) and finding.verdict != UNVERIFIED:
                return LEAKED, f"{finding.message} [{finding.rule}]"
            findings.append(finding)
    except DbkitError as error:
        return REFUSED, f"the proof cannot run: {error.message}"
    return _judged(findings, ground)


def _kills(finding: Finding, ground: Ground) -> bool:
    return is_wrong(finding) and (finding.rule, finding.object or "") not in ground.known


def _judged(findings: list[Finding], ground: Ground) -> tuple[str, str]:
    """The verdict where nothing was shown to leak."""
    wrong = [finding for finding in findings if _kills(finding, ground)]
    if wrong:
        return REFUSED, f"{wrong[0].message} [{wrong[0].rule}]"
    warned = [
        finding
        for finding in findings
        if finding.severity == Severity.WARNING and (finding.rule, finding.object or "") not in ground.known
    ]
    return SURVIVED, f"only warned of: {warned[0].message} [{warned[0].rule}]" if warned else ""


def _findings(conninfo: str, mutant: Mutant, ground: Ground) -> Iterator[Finding]:
    """What the proof says of all that the mutant can have changed, the likeliest first."""
    called_only = mutant.routines and not (mutant.tables or mutant.fired or mutant.everywhere)
    # A function that only its callers run changes nothing that the model says.
    model = ground.model if called_only else read_model(conninfo, ground.declaration, ground.isolation)
    few = mutant.routines and len(mutant.tables) <= _FEW and not mutant.everywhere
    nearest = _NEAREST.get(mutant.operator, ("functions",) if few else ("tables",))
    checks = [check for check in CHECKS if not called_only or _module(check) in _OF_FUNCTIONS]
    focus = None if mutant.undo else Focus(mutant.tables, mutant.fired, mutant.routines)
    with Session(conninfo) as session:
        subject = Subject(conninfo, model, session, ground.population, ground.server_version_num, focus)
        for check in checks:
            if _module(check) in nearest:
                yield from check(subject)
        yield from _attacks(conninfo, model, mutant, ground.population)
        for check in checks:
            if _module(check) not in nearest:
                yield from check(subject)


def _module(check: Check) -> str:
    return check.__module__.rpartition(".")[2]


def _attacks(conninfo: str, model: Model, mutant: Mutant, population: Population) -> Iterator[Finding]:
    """Attacks on the tables that may show otherwise: a few first, since mostly those tell."""
    every = {name for scope in model.scopes for name, table in scope.tables.items() if table.protected}
    wanted = every if mutant.everywhere else mutant.tables & every
    first = sorted(wanted)[:_FEW]
    for tables in (first, wanted) if len(wanted) > _FEW else (wanted,):
        for scope in model.scopes:
            # What a table references stays in sight: attacks on references look there.
            near = {*tables, *_referenced(model, tables)}
            focused = replace(scope, tables={name: table for name, table in scope.tables.items() if name in near})
            for name in scope.scope.app_roles:
                role = model.relations.roles[name]
                if not bypasses(role) and tables:
                    proof = attack_role(conninfo, model, focused, role, population, to_first_leak=True)
                    yield from findings_of(proof, model)


def _referenced(model: Model, tables: Iterable[str]) -> set[str]:
    known = (model.relations.tables[name] for name in tables if name in model.relations.tables)
    return {key.target for table in known for key in table.foreign_keys}

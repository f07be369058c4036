"""Prove one mutant on its own clone: first what is nearest to the broken thing, then the whole proof.

The near part may only end a trial early by finding something. A mutant that it does not catch is given the same proof
that the unmutated database was given, on the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from dbkit.errors import DbkitError
from dbkit.leak.attacks import attack_role
from dbkit.leak.checks import CHECKS, Check, Subject, bypasses, run_checks
from dbkit.leak.mutate.mutants import Mutant
from dbkit.leak.paths import LEAK, UNVERIFIED
from dbkit.leak.proof import prove, read_model
from dbkit.leak.render import report_of
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


@dataclass(frozen=True)
class Ground:
    """What every trial starts from.

    Attributes:
        server_version_num: of the server whose schema it is, None where that is the one it runs on.
        population: rows that are in every clone.
        known: (rule, object) of findings of the unmutated proof, which kill nothing.
    """

    declaration: Declaration
    isolation: str | None
    server_version_num: int | None
    population: Population
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
    told: dict[Check, list[Finding]] = {}
    try:
        for near in _near(conninfo, mutant, ground, told):
            if near.verdict != UNVERIFIED and _kills(near, ground):
                return LEAKED, f"{near.message} [{near.rule}]"
        if mutant.called_only:
            return _judged(_checks(conninfo, ground, told), ground)
        return _judged(_whole(conninfo, ground, told), ground)
    except DbkitError as error:
        return REFUSED, f"the proof cannot run: {error.message}"


def _kills(finding: Finding, ground: Ground) -> bool:
    return is_wrong(finding) and (finding.rule, finding.object or "") not in ground.known


def _judged(findings: list[Finding], ground: Ground) -> tuple[str, str]:
    wrong = [finding for finding in findings if _kills(finding, ground)]
    leaks = [finding for finding in wrong if finding.verdict != UNVERIFIED]
    if wrong:
        shown = (leaks or wrong)[0]
        return LEAKED if leaks else REFUSED, f"{shown.message} [{shown.rule}]"
    warned = [
        finding
        for finding in findings
        if finding.severity == Severity.WARNING and (finding.rule, finding.object or "") not in ground.known
    ]
    return SURVIVED, f"only warned of: {warned[0].message} [{warned[0].rule}]" if warned else ""


def _near(conninfo: str, mutant: Mutant, ground: Ground, told: dict[Check, list[Finding]]) -> Iterator[Finding]:
    """Findings of the checks and attacks nearest to what was broken, one after another; `told` keeps the checks'."""
    model = read_model(conninfo, ground.declaration, ground.isolation)
    nearest = _NEAREST.get(mutant.operator, ("functions",) if mutant.of_function else ("tables",))
    checks = [check for check in CHECKS if check.__module__.rpartition(".")[2] in nearest]
    with Session(conninfo) as session:
        subject = Subject(conninfo, model, session, ground.population, ground.server_version_num)
        for check in checks:
            told[check] = []
            for finding in check(subject):
                told[check].append(finding)
                yield finding
    if mutant.tables:
        yield from _attacks(conninfo, model, mutant.tables, ground.population)


def _attacks(conninfo: str, model: Model, tables: Collection[str], population: Population) -> Iterator[Finding]:
    """The leaks that attacks on these tables alone show."""
    for scope in model.scopes:
        # What a table references stays in sight: attacks on references look there.
        wanted = {*tables, *_referenced(model, tables)}
        focused = replace(scope, tables={name: table for name, table in scope.tables.items() if name in wanted})
        for name in scope.scope.app_roles:
            role = model.relations.roles[name]
            if not bypasses(role):
                for path in attack_role(conninfo, model, focused, role, population).paths:
                    if path.verdict == LEAK:
                        message = f"{path.command} on {path.table} as {path.role} crosses tenants, {path.state}"
                        yield Finding("path_leaks", message, verdict=LEAK, object=path.table)


def _referenced(model: Model, tables: Iterable[str]) -> set[str]:
    known = (model.relations.tables[name] for name in tables if name in model.relations.tables)
    return {key.target for table in known for key in table.foreign_keys}


def _checks(conninfo: str, ground: Ground, told: dict[Check, list[Finding]]) -> list[Finding]:
    """All but the attacks on tables, where those show what they showed before."""
    model = read_model(conninfo, ground.declaration, ground.isolation)
    with Session(conninfo) as session:
        return run_checks(Subject(conninfo, model, session, ground.population, ground.server_version_num), told)


def _whole(conninfo: str, ground: Ground, told: dict[Check, list[Finding]]) -> list[Finding]:
    proof = prove(
        conninfo,
        ground.declaration,
        isolation=ground.isolation,
        server_version_num=ground.server_version_num,
        population=ground.population,
        told=told,
    )
    return report_of(proof).findings

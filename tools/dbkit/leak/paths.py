"""What the attacks showed, path by path: the data that the report, the matrix and the emitted tests are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["HOLDS", "LEAK", "UNVERIFIED", "Path", "Probe", "RoleProof"]

LEAK = "leak"
HOLDS = "holds"
UNVERIFIED = "unverified"


@dataclass
class Path:
    """One (role, table, command, context state) and its verdict.

    Attributes:
        reason: why it is not plainly held, or what holds it.
        sql: the statements that show it, ready to paste on the populated clone.
        witness: what came back that must not.
        control: the permitted twin and what it returned, and what the same statement does as the administrator.
    """

    scope: str
    role: str
    table: str
    command: str
    state: str
    verdict: str
    reason: str = ""
    sql: str = ""
    witness: str = ""
    control: str = ""


@dataclass(frozen=True)
class Probe:
    """One statement that was run, in the form that the emitted tests need.

    Attributes:
        admin: statements of the administrator before it.
        context: statements of the role that set the state.
        count: a statement whose answer, a count or the rows it affects, is compared.
        limit: the most it may give; None for a control, which must give at least one.
        before: transactions that the same connection served before, each a list of statements.
    """

    table: str
    command: str
    state: str
    name: str
    admin: tuple[str, ...]
    context: tuple[str, ...]
    count: str
    limit: int | None
    before: tuple[tuple[str, ...], ...] = ()


@dataclass
class RoleProof:
    """What one role's attacks showed. `vacuous` names why they prove nothing, None when they prove something."""

    scope: str
    role: str
    probes: list[Probe] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    skipped_states: dict[str, str] = field(default_factory=dict)
    vacuous: str | None = None

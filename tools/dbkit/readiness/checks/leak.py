"""Check of kind `leak`: what the isolation proof says of a module, or of some commands on one schema's tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from dbkit.errors import DbkitError
from dbkit.readiness.measured import Measured

if TYPE_CHECKING:
    from dbkit.leak.proof import Proof
    from dbkit.readiness.stage import Stage

__all__ = ["Leak"]

_SHOWN = 5


@dataclass(frozen=True)
class Leak:
    """No path leaks and none is left unverified.

    Attributes:
        module: built with what it needs, and attacked.
        schema: judge its tables only; None takes the whole proof.
        commands: judge these commands only, as the proof names them, e.g. "UPDATE"; empty takes all.
    """

    ROWS: ClassVar[Mapping[str, type]] = {}
    module: str
    schema: str | None = None
    commands: tuple[str, ...] = ()

    @property
    def alone(self) -> str | None:
        return f"dbkit leak {self.module}"

    def measure(self, stage: Stage) -> Measured:
        proof = _proof(stage, self.module)
        paths = [
            path
            for path in proof.paths
            if (self.schema is None or path.table.startswith(f"{self.schema}."))
            and (not self.commands or path.command in self.commands)
        ]
        absent = sorted(set(self.commands) - {path.command for path in paths})
        if not paths or absent:
            raise DbkitError(
                "the proof has no such path",
                detail=f"{', '.join(absent) or 'Nothing'} was attacked in {self.schema or self.module}.",
                hint="Correct schema and commands of the check.",
            )
        verdicts = Counter(path.verdict for path in paths)
        bad = [path for path in paths if path.verdict != "holds"]
        wrong = [f"{path.role} {path.command} {path.table}: {path.verdict}" for path in bad]
        if self.schema is None and not self.commands:  # what the catalog shows is of the whole
            verdicts.update(str(found.verdict) for found in proof.findings if found.verdict in ("leak", "unverified"))
            wrong += [found.message for found in proof.findings if found.verdict in ("leak", "unverified")]
            vacuous = [f"{role.role}: {role.vacuous}" for role in proof.roles if role.vacuous]
            verdicts["unverified"] += len(vacuous)
            wrong += vacuous
        leaks, unverified = verdicts["leak"], verdicts["unverified"]
        tables = len({path.table for path in paths})
        return Measured(
            value=f"{len(paths):,} paths over {tables} tables: {leaks} leak, {unverified} unverified",
            target="0 leak, 0 unverified",
            verdict="missed" if leaks else "unverified" if unverified else "met",
            figures={"paths": len(paths), "tables": tables, "leaks": leaks, "unverified": unverified},
            detail="\n".join(sorted(set(wrong))[:_SHOWN]) or None,
            hint=f"Run: dbkit leak {self.module}" if wrong else None,
        )


def _proof(stage: Stage, module: str) -> Proof:
    """The module's proof, made once a run."""
    from dbkit.leak.clone import disposable_copy
    from dbkit.leak.proof import prove
    from dbkit.tenancy.declaration import load_declaration

    if module not in stage.proofs:
        declaration = load_declaration(stage.config, None)
        with disposable_copy(stage.config, declaration, module, None) as copy:
            stage.proofs[module] = prove(copy.conninfo, copy.declaration, isolation=copy.isolation, progress=stage.tell)
    return stage.proofs[module]

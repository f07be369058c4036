"""One transaction in which the administrator, the attacker and the victim act in turn, as checks of flows need it.

Attacks on one table ask what one caller sees. A flow is two callers: one acts, the other looks. Both put their roles
and contexts on in the same transaction, which is rolled back, so nothing of it stays and all of it can be pasted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dbkit.leak.contexts import own_context
from dbkit.leak.rows import Identity, Population
from dbkit.leak.session import Outcome, Session
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Privileges, Role, Table

__all__ = ["Caller", "Exchange", "callers"]

_RESET = "reset session authorization"


@dataclass(frozen=True)
class Caller:
    """An app role in its scope; a slot (attacker, victim, …) makes it a person."""

    scope: ScopeModel
    role: Role

    def privileges(self, model: Model, table: Table) -> Privileges:
        return model.relations.privileges[self.role.name, table.qualified]


def callers(model: Model) -> Iterator[Caller]:
    """Every app role that policies apply to, with each scope it serves."""
    for scope in model.scopes:
        for name in scope.scope.app_roles:
            role = model.relations.roles[name]
            if not (role.superuser or role.bypass_rls):
                yield Caller(scope, role)


class Exchange:
    """The transaction, open inside its `with` block.

    Attributes:
        script: what was done so far, ready to paste; refused statements are in it as comments.
    """

    def __init__(self, session: Session, model: Model, population: Population, caller: Caller) -> None:
        self.session = session
        self.caller = caller
        self.script: list[str] = []
        self._model = model
        self._population = population
        self._acting: str | None = None

    def __enter__(self) -> Exchange:
        self.session.must("begin")
        self.script = ["begin"]
        return self

    def __exit__(self, *_: object) -> None:
        self.session.must("rollback")

    @property
    def sql(self) -> str:
        """The script as text that can be pasted; it ends in a rollback."""
        lines = [line if line.startswith("--") else f"{line};" for line in [*self.script, "rollback"]]
        return "\n".join(lines)

    def admin(self, *statements: str) -> Outcome:
        """Statements of the administrator, for whom no policy exists."""
        return self._act("", [_RESET], statements)

    def identity(self, slot: str) -> Identity:
        return self._population.identities[slot]

    def act(self, slot: str, *statements: str) -> Outcome:
        """Statements of the caller as the person of a slot, in that person's own context; none of them only enters it.

        The role and the context stay on until somebody else acts, or what was done is taken back.
        """
        identity = self._population.identities[slot]
        role = self.caller.role
        if identity.login is not None and identity.login in self._model.relations.roles:
            role = self._model.relations.roles[identity.login]
        become = [_RESET, f"set local session authorization {role.sql}", *self._context(identity)]
        return self._act(slot, become, statements)

    def answers(self, slot: str, *queries: str) -> list[Outcome]:
        """What the person of a slot is answered, in one round trip; nothing of it stays. Empty where one is refused."""
        with self.trial():
            outcomes = [] if self.act(slot).refused else self.session.run_each(*queries)
        return outcomes if len(outcomes) == len(queries) and not any(outcome.refused for outcome in outcomes) else []

    def _context(self, identity: Identity) -> list[str]:
        return own_context(self.caller.scope, identity)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """What happens inside is taken back at the end, the script too."""
        kept, acting = list(self.script), self._acting
        self.session.later("savepoint trial")
        try:
            yield
        finally:
            self.session.later("rollback to savepoint trial", "release savepoint trial")
            self.script, self._acting = kept, acting

    def _act(self, who: str, become: list[str], statements: tuple[str, ...]) -> Outcome:
        opening = [] if who == self._acting else become
        self.session.must("savepoint act")
        outcome = self.session.run(*opening, *statements)
        if outcome.refused:
            self.session.later("rollback to savepoint act", "release savepoint act")
            self.script += [*opening, *(f"-- {text};" for text in statements), f"-- refused: {outcome}"]
            # The roll back took the caller's role and context with it; the next act puts them on again.
            self._acting = None
            return outcome
        self.session.later("release savepoint act")
        self.script += [*opening, *statements]
        self._acting = who
        return outcome

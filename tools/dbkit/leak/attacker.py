"""A connection that is an app role in one context state, with a savepoint that every attack starts from."""

from __future__ import annotations

from collections.abc import Iterable

from dbkit.errors import DbkitError
from dbkit.leak.contexts import State
from dbkit.leak.session import Outcome, Session
from dbkit.leak.statements import Variant
from dbkit.tenancy.relations import Role

__all__ = ["Attacker"]


class Attacker:
    """A connection that is a role in a context state; every statement starts from the same savepoint."""

    def __init__(self, conninfo: str, role: Role, state: State) -> None:
        self.session = Session(conninfo)
        self.become = f"set session authorization {role.sql}"
        self.state = state
        self.script: list[str] = []
        self._opening: list[str] = []
        try:
            self._enter(state)
        except BaseException:
            self.session.close()
            raise

    def __enter__(self) -> Attacker:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def _enter(self, state: State) -> None:
        self._do(self.become)
        for transaction in state.before:
            for statement in ("begin", *transaction, "commit"):
                self._do(statement, of_context=statement not in ("begin", "commit"))
        self._opening = list(self.script)
        self.renew()

    def renew(self) -> None:
        """Start the attacking transaction, anew for each table: thousands of savepoints in one grow slow.

        Raises:
            DbkitError: a statement of the state that must succeed is refused.
        """
        self.session.must("rollback")
        self.script = list(self._opening)
        self._do("begin")
        for step in self.state.steps:
            self.session.must("savepoint step")
            if step.admin:
                for statement in ("reset session authorization", step.sql, self.become.replace("set", "set local", 1)):
                    self._do(statement)
                continue
            outcome = self.session.run(step.sql)
            if outcome.refused and not step.tolerant:
                raise _context_failed(step.sql, outcome, self.state)
            if outcome.refused:
                self.session.must("rollback to savepoint step")
                self.script.append(f"-- refused: {outcome}\n-- {step.sql}")
            else:
                self.script.append(step.sql)
        self.session.must("savepoint attack")

    def _do(self, statement: str, *, of_context: bool = False) -> None:
        outcome = self.session.run(statement)
        if outcome.refused and of_context:
            raise _context_failed(statement, outcome, None)
        if outcome.refused:
            raise DbkitError("a statement of the proof failed", detail=f"{outcome}. Statement: {statement}")
        self.script.append(statement)

    def run(self, statement: str, prepare: Iterable[str] = (), *, admin: bool = False) -> Outcome:
        texts = ["rollback to savepoint attack"]
        prepare = list(prepare)
        if prepare or admin:
            texts += ["reset session authorization", *prepare]
            if not admin:
                texts.append(self.become.replace("set", "set local", 1))
        return self.session.run(*texts, statement)

    def peek(self, query: str) -> str | None:
        """A value as the administrator sees it now, after the last attack and before it is rolled back."""
        outcome = self.session.run("reset session authorization", query)
        return outcome.rows[0][0] if outcome.rows else None

    def paste(self, variant: Variant, statement: str) -> str:
        lines = list(self.script)
        if variant.prepare:
            lines += ["reset session authorization", *variant.prepare, self.become.replace("set", "set local", 1)]
        return "".join(line if line.startswith("--") and "\n" not in line else f"{line};\n" for line in lines) + (
            f"{statement};\nrollback;"
        )


def _context_failed(statement: str, outcome: Outcome, state: State | None) -> DbkitError:
    return DbkitError(
        "the context statement fails",
        detail=f"{statement} was refused: {outcome}." + (f" State: {state.label}." if state else ""),
        hint="Correct context under [tenancy]; name existing tenants and users under [[tenancy.samples]], or the "
        "values that rows need under [tenancy.values].",
    )

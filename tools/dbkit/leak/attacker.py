"""A connection that is an app role in one context state, with a savepoint that every attack starts from."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dbkit.errors import DbkitError
from dbkit.leak.contexts import State
from dbkit.leak.session import Outcome, Session
from dbkit.leak.statements import Variant
from dbkit.tenancy.relations import Role, literal

__all__ = ["Attacker"]

_OF_ROLES = ("row_security", "search_path")


class Attacker:
    """A connection that is a role in a context state; every statement starts from the same savepoint."""

    def __init__(self, conninfo: str, role: Role, state: State) -> None:
        self.defaults = {**_defaults(role), **state.settings}
        self.session = Session(conninfo, self.defaults)
        self.become = f"set session authorization {role.sql}"
        self.state = state
        self.script: list[str] = []
        self._opening: list[str] = []
        # What logging in as the role would give; a session that only puts the role on has to be told.
        self.script += [f"set {name} = {literal(value)}" for name, value in self.defaults.items()]
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
        for statement in state.prepare:
            self._do(statement)
        for transaction in state.before:
            self._do("begin")
            for statement in transaction:
                self._do(statement, of_context=True)
            self._warm(state)
            self._do("commit")
        self._opening = list(self.script)
        self.renew()

    def _warm(self, state: State) -> None:
        """Execute the prepared queries as the one served before; a query that is refused leaves the rest alone."""
        for name in state.warm.values():
            self.session.must("savepoint warm")
            statement = f"execute {name}"
            if self.session.run(statement).refused:
                self.session.must("rollback to savepoint warm")
            else:
                self.script.append(statement)

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

    def context(self) -> tuple[str, ...]:
        """What the role says in its transaction before it attacks, for a session that logged in as somebody else."""
        settings = (f"set local {name} = {literal(value)}" for name, value in self.defaults.items())
        return (*settings, *(step.sql for step in self.state.steps if not step.admin))

    def paste(self, variant: Variant, statement: str) -> str:
        lines = list(self.script)
        if variant.prepare:
            lines += ["reset session authorization", *variant.prepare, self.become.replace("set", "set local", 1)]
        return "".join(line if line.startswith("--") and "\n" not in line else f"{line};\n" for line in lines) + (
            f"{statement};\nrollback;"
        )


def _defaults(role: Role) -> dict[str, str]:
    """Settings of the role that policies can see; those of the planner and of logging change no answer."""
    return {name: value for name, value in role.settings.items() if "." in name or name in _OF_ROLES}


def _context_failed(statement: str, outcome: Outcome, state: State | None) -> DbkitError:
    left = re.search(r"\{\w+\}", statement)
    unknown = f" Of {{tenant}}, {{user}} and {{token}} {left[0]} is none, so nothing was put there." if left else ""
    return DbkitError(
        "the context statement fails",
        detail=f"{statement} was refused: {outcome}.{unknown}" + (f" State: {state.label}." if state else ""),
        hint="Correct context under [tenancy]; name existing tenants and users under [[tenancy.samples]], or the "
        "values that rows need under [tenancy.values].",
    )

"""A context state as data: the statements that bring a connection into it, and what the caller may see in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dbkit.tenancy.relations import literal

__all__ = ["STATES", "State", "Step", "needs_sql", "set_setting", "strict", "tolerant"]

# Name and one-line meaning, in the order of the report.
STATES: dict[str, str] = {
    "right": "the caller's own context",
    "none": "a fresh connection without a context",
    "residue": "a connection that served another tenant before",
    "reused": "the caller's own context on a connection that served another tenant before",
    "empty": "every setting of the context is an empty string",
    "malformed": "the context holds text that is no id",
    "forged": "settings written by hand, past the context statement",
    "edited": "what users may change about themselves, changed by the user",
    "other": "the context of a tenant the user does not belong to",
    "suspended": "the context of a member who was suspended, or has not joined yet",
    "promoted": "the caller's own context, with another rank in the own tenant",
}


@dataclass(frozen=True)
class Step:
    """One statement of a state. `admin` runs it as the superuser; `tolerant` lets it be refused."""

    sql: str
    tolerant: bool = False
    admin: bool = False


@dataclass(frozen=True)
class State:
    """One context state.

    Attributes:
        name: key of STATES; `variant` tells apart several ways to get there.
        before: transactions run first on the same connection, each a list of statements.
        warm: table -> name of a prepared query on it, which the earlier transactions and the attack execute.
        prepare: statements that make those queries, before the first transaction.
        steps: statements at the start of the attacking transaction.
        settings: defaults of the connection in place of those of the role.
        open_to_own: the caller's own rows may be visible in it.
        knows_tenant: where they may not, the registry's row of the own tenant still may, as to one who was invited.
    """

    name: str
    variant: str
    before: tuple[tuple[str, ...], ...] = ()
    warm: Mapping[str, str] = field(default_factory=dict)
    prepare: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    open_to_own: bool = False
    knows_tenant: bool = False

    @property
    def label(self) -> str:
        return self.name if not self.variant else f"{self.name} ({self.variant})"


def needs_sql(state: str) -> bool:
    """Whether the attacker has to run SQL of its own to bring the state about, and not only send parameters."""
    return state == "forged"


def strict(statements: Iterable[str]) -> tuple[Step, ...]:
    return tuple(Step(statement) for statement in statements)


def tolerant(statements: Iterable[str]) -> tuple[Step, ...]:
    return tuple(Step(statement, tolerant=True) for statement in statements)


def set_setting(name: str, value: str) -> str:
    return f"select set_config({literal(name)}, {value}, true)"

"""Which mutants the catalog gives: each breaks one thing that keeps tenants apart, and nothing else.

What cannot matter is not made: a policy for a command that no role may use, a weakening of what is open already. Such
equivalents are counted with their reason, so that a short list is not mistaken for a thin one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dbkit.tenancy.model import Model

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Equivalent", "Mutant", "Mutants", "find_mutants"]


@dataclass(frozen=True)
class Mutant:
    """One broken thing.

    Attributes:
        id: operator and object, the same from run to run: `using-true rental.units.owners_can_view_own_units`.
        sql: statements of the superuser that break it.
        tables: tables that may show or take other rows, by qualified name.
        fired: tables a write to which may have other consequences.
        routines: functions that may do otherwise, as oids.
        everywhere: it is about what sets the context, or about a role: any table may show otherwise.
        undo: statements that mend it, for what belongs to the whole cluster (roles); such a mutant runs alone.
    """

    id: str
    sql: tuple[str, ...]
    tables: frozenset[str] = frozenset()
    fired: frozenset[str] = frozenset()
    routines: frozenset[int] = frozenset()
    everywhere: bool = False
    undo: tuple[str, ...] = ()

    @property
    def operator(self) -> str:
        return self.id.partition(" ")[0]


@dataclass(frozen=True)
class Equivalent:
    """A mutant that was not made, since it could change nothing for any caller."""

    reason: str


@dataclass
class Mutants:
    """Every mutant of one database. `equivalent` counts those not made, by reason."""

    mutants: list[Mutant] = field(default_factory=list)
    equivalent: Counter[str] = field(default_factory=Counter)


def find_mutants(connection: Connection[Any], model: Model) -> Mutants:
    """Every mutant that the catalog of the unmutated database gives, in a stable order.

    Args:
        connection: superuser on that database; it is only read.
    """
    from dbkit.leak.mutate.functions import function_mutants
    from dbkit.leak.mutate.keys import key_mutants
    from dbkit.leak.mutate.policies import policy_mutants
    from dbkit.leak.mutate.privileges import privilege_mutants
    from dbkit.leak.mutate.reach import Reach

    reach = Reach(connection, model)
    found = Mutants()
    seen: dict[str, Mutant] = {}

    def all_of_them() -> Iterator[Mutant | Equivalent]:
        yield from policy_mutants(reach)
        yield from privilege_mutants(reach)
        yield from key_mutants(connection, reach)
        yield from function_mutants(reach)

    for item in all_of_them():
        if isinstance(item, Equivalent):
            found.equivalent[item.reason] += 1
        else:
            number = 1
            named = item
            while named.id in seen and seen[named.id].sql != item.sql:
                # The same words at another place of a body.
                number += 1
                named = replace(item, id=f"{item.id} ({number})")
            if named.id not in seen:
                seen[named.id] = named
                found.mutants.append(named)
    return found

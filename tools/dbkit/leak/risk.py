"""How a change to a guard is judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Change", "Risk"]


class Risk(StrEnum):
    """From harmless to not."""

    SAFE = "safe"
    BREAKING = "breaking"
    REVIEW = "needs review"
    DANGEROUS = "dangerous"


@dataclass(frozen=True)
class Change:
    """One difference in what guards a database.

    Attributes:
        rule: name of the kind of change, e.g. `policy_loosened`.
        object: table, view, function or role.
        message: what changed, one line.
        reason: why it is judged so, a sentence.
    """

    rule: str
    risk: Risk
    object: str
    message: str
    reason: str

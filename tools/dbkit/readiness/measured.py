"""What a check found out: the figure, what it had to be, and whether it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Measured", "Verdict"]

Verdict = Literal["met", "missed", "unverified"]


@dataclass(frozen=True)
class Measured:
    """The outcome of one check.

    Attributes:
        value: what was measured, for people, with its unit.
        target: what it had to be.
        verdict: `unverified` where it could not be measured, which is never taken for met.
        figures: the same for scripts; names end in their unit.
        detail: what is wrong with it, where something is.
        hint: what to do about it.
    """

    value: str
    target: str
    verdict: Verdict
    figures: dict[str, Any] = field(default_factory=dict)
    detail: str | None = None
    hint: str | None = None

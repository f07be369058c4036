"""The one way a command says that it could not run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EXIT_CLEAN", "EXIT_ERROR", "EXIT_FINDINGS", "DbkitError"]

EXIT_CLEAN = 0
EXIT_FINDINGS = 1
EXIT_ERROR = 2


class DbkitError(Exception):
    """Bad input, no server, or a proof that proved nothing: printed as error/detail/hint, exit code 2.

    Args:
        message: one line, lower case, no period, stable enough to search for.
        detail: sentences with what was found where (file, line, SQLSTATE, both names of a clash).
        hint: sentences with what to type next.
        facts: what the JSON document of a run that fails holds besides the error, such as what was done before it.
    """

    def __init__(
        self,
        message: str,
        *,
        detail: str | None = None,
        hint: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint
        self.facts = facts or {}

    def __str__(self) -> str:
        lines = [f"error: {self.message}"]
        for label, text in (("detail", self.detail), ("hint", self.hint)):
            if text:
                lines.append(f"{label}: " + text.replace("\n", "\n    "))
        return "\n".join(lines)

    def as_dict(self) -> dict[str, str | None]:
        """The same three parts for `--format json`."""
        return {"error": self.message, "detail": self.detail, "hint": self.hint}

"""What running one file printed, line by line, with the place of the statement that printed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dbkit.report import Location

__all__ = ["Failure", "Line", "Transcript"]

Channel = Literal["out", "err", "detail"]


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line.

    Attributes:
        channel: "out" is psql's standard output (TAP is read from it), "err" its standard error, "detail" what dbkit
            adds to explain the line above.
        place: statement that printed it; None where only psql knows.
        seconds: run time of that statement.
    """

    text: str
    channel: Channel = "out"
    place: Location | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """An SQL error or a failed psql command, with the server's full message in psql's form."""

    message: str
    place: Location | None
    sqlstate: str | None = None


@dataclass
class Transcript:
    """One file's run.

    Attributes:
        exit_code: psql's: 0, 2 connection lost, 3 stopped at an error.
        engine: "native" or "psql".
        note: why psql was used, when the native engine would have been.
        committed: a transaction that may have written was committed.
    """

    engine: str = "native"
    lines: list[Line] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    exit_code: int = 0
    note: str | None = None
    committed: bool = False
    _open: list[str] = field(default_factory=list)

    def out(self, text: str, place: Location | None = None, seconds: float = 0.0) -> None:
        """Standard output; text without a final newline waits for the rest of its line."""
        if self._open:
            text = "".join([*self._open, text])
            self._open.clear()
        *complete, rest = text.split("\n")
        self.lines += [Line(line, "out", place, seconds) for line in complete]
        if rest:
            self._open.append(rest)

    def err(self, text: str, place: Location | None = None) -> None:
        """Standard error."""
        self.lines += [Line(line, "err", place) for line in text.rstrip("\n").split("\n")]

    def detail(self, index: int, text: str, place: Location | None = None) -> None:
        """An explanation, put before the line that has this index; `place` is where the failure really is."""
        self.lines.insert(index, Line(text, "detail", place))

    def close(self) -> None:
        """End a last line that had no newline."""
        if self._open:
            self.out("\n")

    @property
    def output(self) -> str:
        """Standard output as one text."""
        return "".join(f"{line.text}\n" for line in self.lines if line.channel == "out")

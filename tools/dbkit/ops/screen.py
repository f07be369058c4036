"""Frames on a terminal: drawing one with rich, and watching until q is pressed."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dbkit.ops.top import Frame, Panel

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.text import Text

__all__ = ["draw", "render_text", "watch"]

_NUMBERS = (int, float, Decimal)
# Between two columns: the padding of both, and the gap.
_BETWEEN = 3
# Texts are cut down to this before anything else gives way.
_LEAST = 8
_STYLES = {"firing": "bold red", "pending": "yellow", "critical": "red", "warning": "yellow"}


def render_text(frame: Frame) -> str:
    """The frame as plain lines, for a pipe or a file."""
    from rich.console import Console

    console = Console(width=160, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(draw(frame, console.width))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def draw(frame: Frame, width: int, note: str = "") -> Group:
    """A frame as rich renders it: a line of figures, then the panels.

    Args:
        width: of the terminal, in letters.
        note: a line below the figures, such as that the connection was lost.
    """
    from rich.console import Group
    from rich.text import Text

    figures = [
        f"{frame.database} on PostgreSQL {frame.server}",
        f"{frame.at:%H:%M:%S}",
        *([f"{frame.rate:,.0f} transactions/s"] if frame.rate is not None else []),
        *([f"{frame.cache_hits} % of blocks cached"] if frame.cache_hits is not None else []),
        *([f"{frame.deadlocks:,} deadlocks"] if frame.deadlocks else []),
    ]
    head = Text("  ".join(figures), style="bold")
    lines: list[RenderableType] = [head, *([Text(note, style="bold red")] if note else [])]
    for panel in frame.panels.values():
        lines.extend((Text(""), _table(panel, width)))
    return Group(*lines)


def watch(look: Callable[[], tuple[Frame, str]], seconds: float) -> None:
    """Draw a frame every so many seconds until q or Ctrl-C.

    Args:
        look: gives the next frame and a note to show with it.
        seconds: pause between two looks.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console()
    with _keys() as pressed, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            frame, note = look()
            live.update(draw(frame, console.width, note), refresh=True)
            if pressed(seconds):
                return


def _table(panel: Panel, width: int) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if not panel.rows:
        said = f"unknown: {panel.problem}" if panel.problem else panel.empty
        return Text.assemble((panel.title, "bold cyan"), "  ", (_plain(said), "yellow" if panel.problem else "dim"))
    table = Table(
        title=Text(panel.title, style="bold cyan"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False,
        show_edge=False,
    )  # fmt: skip
    are_numbers = [
        all(isinstance(value, (*_NUMBERS, type(None))) for value in values) for values in zip(*panel.rows, strict=True)
    ]
    rows = [[_cell(value) for value in row] for row in panel.rows]
    for column, is_number, wide in zip(
        panel.columns, are_numbers, _widths(panel, rows, are_numbers, width), strict=True
    ):
        table.add_column(
            column, justify="right" if is_number else "left", no_wrap=True, overflow="ellipsis", width=wide
        )
    for row in rows:
        table.add_row(*row)
    return table


def _widths(panel: Panel, rows: list[list[Text]], are_numbers: list[bool], width: int) -> list[int]:
    """The columns' widths in letters. Where the terminal is narrow the longest text gives way, and no number does."""
    columns = range(len(panel.columns))
    widths = [max(len(panel.columns[number]), *(row[number].cell_len for row in rows)) for number in columns]
    texts = [number for number in columns if not are_numbers[number]]
    while sum(widths) + _BETWEEN * (len(widths) - 1) > width:
        longest = max(texts, key=widths.__getitem__, default=None)
        if longest is None or widths[longest] <= _LEAST:
            break
        widths[longest] -= 1
    return widths


def _cell(value: Any) -> Text:
    from rich.text import Text

    if value is None:
        return Text("")
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M:%S}")
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return Text(f"{value:,}" if isinstance(value, int) else f"{value:,.1f}")
    return Text(_plain(str(value)), style=_STYLES.get(str(value), ""))


def _plain(text: str) -> str:
    """One line without control characters: texts of statements come from whoever sent them."""
    return "".join(character if character.isprintable() else " " for character in " ".join(text.split()))


@contextmanager
def _keys() -> Iterator[Callable[[float], bool]]:
    """A function that waits so many seconds for a key and says whether it was q."""
    import termios
    import tty

    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin)

    def pressed(seconds: float) -> bool:
        ready, _, _ = select.select([stdin], [], [], seconds)
        # All that was typed, past Python's buffer: what stays in there would not be seen to be ready.
        typed = os.read(stdin, 1024).lower() if ready else b"-"
        return not typed or b"q" in typed

    try:
        yield pressed
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)

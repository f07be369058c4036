"""What a person sees while tests run: a line a file, and on a terminal how far the run has come."""

from __future__ import annotations

import random

import click

from dbkit.tap.databases import Source
from dbkit.tap.report import file_lines
from dbkit.tap.result import FileResult
from dbkit.terminal import can_redraw, redraw

__all__ = ["Console"]

_COLOURS = {"ok": "green", "FAIL": "red", "skip": "yellow"}


class Console:
    """Prints while the run goes on; silent when the output is for a program.

    Args:
        shown: the output format is text.
        verbose: say what each file ran in.
        quiet: leave out files that passed.
    """

    def __init__(self, shown: bool, *, verbose: bool, quiet: bool) -> None:
        self._shown = shown
        self._verbose = verbose
        self._quiet = quiet
        self._progress = shown and can_redraw()
        self._total = 0
        self._done = 0

    def seed(self, shuffle: bool, seed: int | None) -> int | None:
        """The seed to shuffle with, printed so that the order can be had again; None for no shuffle."""
        if not shuffle and seed is None:
            return None
        chosen = random.SystemRandom().randrange(1_000_000) if seed is None else seed
        if self._shown:
            click.echo(f"shuffled with --seed {chosen}")
        return chosen

    def start(self, files: int, source: Source) -> None:
        """The number of files, and where they run when that is not ours."""
        self._total = files
        if self._shown and (self._verbose or source.in_place):
            click.echo(f"{files} files in {source.description}")
        self._show_progress()

    def result(self, result: FileResult) -> None:
        """One file has ended."""
        self._done += 1
        if self._shown and not (self._quiet and result.passed):
            self._clear()
            first, *rest = file_lines(result, verbose=self._verbose)
            word = first.split()[0]
            click.echo(click.style(word, fg=_COLOURS[word]) + first[len(word) :])
            for line in rest:
                click.echo(line.encode("utf-8", "replace").decode("utf-8"))
        self._show_progress()

    def end(self) -> None:
        """All files have ended."""
        self._clear()

    def _show_progress(self) -> None:
        if self._progress and self._done < self._total:
            redraw(f"{self._done}/{self._total} files")

    def _clear(self) -> None:
        if self._progress:
            redraw()

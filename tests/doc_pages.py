"""Read the pages of the documentation: their blocks, the commands they show, and the SQL they say runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import psycopg

from dbkit.cli import cli
from dbkit.postgres import Database
from dbkit.tap.engine import run_file
from dbkit.tap.transcript import Transcript

REPO = Path(__file__).resolve().parent.parent

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
# A command line: at the start of a line of a block, after a prompt or a CI step; or a code span.
COMMAND = re.compile(r"^\s*(?:\$ |- run: |- )?(?:[A-Z_]+=\S+ )*dbkit (?P<line>[^\n]*)", re.MULTILINE)
SPAN = re.compile(r"`dbkit (?P<line>[^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        info: the words behind the fence.
        line: line of the page its text begins on.
    """

    info: list[str]
    text: str
    line: int

    @property
    def end(self) -> int:
        """The line of the closing fence."""
        return self.line + self.text.count("\n")


def name(page: Path) -> str:
    """A page as messages name it."""
    return str(page.relative_to(REPO)) if page.is_relative_to(REPO) else page.name


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(found["info"].split(), found["body"], text.count("\n", 0, found.start("body")) + 1)
        for found in FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page without its blocks."""
    return FENCE.sub("", page.read_text())


def command_lines(page: Path) -> Iterator[str]:
    """What a page says to type behind `dbkit `, in blocks and in code spans."""
    for block in blocks(page):
        if block.info[:1] not in (["text"], ["sql"], ["python"]):
            yield from (found["line"] for found in COMMAND.finditer(block.text))
    yield from (found["line"] for found in SPAN.finditer(prose(page)))


def check_command(line: str) -> None:
    """Raise click.UsageError, as the command line would, unless the command, its options and its arguments exist.

    The beginning of an id and an ellipsis stand for the id.
    """
    whole = re.sub(r"\b[0-9a-f-]+…", "00000000-0000-4000-8000-000000000000", line)
    words = shlex.split(re.split(r"\s[|>#]|\s&&", whole, maxsplit=1)[0])
    command: click.Command = cli
    context = click.Context(cli, info_name="dbkit", **cli.context_settings)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            raise click.UsageError(f"no such command: {words[0]}")
        command, context = found, click.Context(found, info_name=words.pop(0), parent=context)
    if words and words != ["--help"]:  # a bare name speaks of the command
        command.make_context(context.info_name, words, parent=context.parent)


def check_sql(page: Path, database: Database) -> int:
    """Run the `sql run` blocks of a page as one psql session.

    A block fails with the SQLSTATE behind `run`, or not at all; a `text output` block behind it is what it prints.

    Returns:
        How many blocks there are.
    """
    shown = blocks(page)
    runs = [block for block in shown if block.info[:2] == ["sql", "run"]]
    transcript = _run(page, runs, database)
    for block in runs:
        place = f"{name(page)}:{block.line}"
        errors = [item for item in transcript.failures if item.place and block.line <= item.place.line < block.end]
        assert [item.sqlstate for item in errors] == block.info[2:], f"{place}: {[item.message for item in errors]}"
        after = next((item for item in shown if item.line > block.line), None)
        if after is not None and after.info == ["text", "output"]:
            printed = [
                line.text
                for line in transcript.lines
                if line.channel == "out" and line.place and block.line <= line.place.line < block.end
            ]
            assert [line for line in printed if line] == after.text.splitlines(), f"{place} prints something else"
    return len(runs)


def _run(page: Path, runs: list[Block], database: Database) -> Transcript:
    """Line numbers in the transcript are those of the page: all that does not run is blank."""
    lines = [""] * page.read_text().count("\n")
    for block in runs:
        lines[block.line - 1 : block.end - 1] = block.text.splitlines()
    lines[0] = "\\set ON_ERROR_STOP off"
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        return run_file(connection, page, display=name(page), text="\n".join(lines))

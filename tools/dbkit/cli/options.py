"""Options that several commands share, so that each means the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = [
    "Writable",
    "command_group",
    "config_option",
    "database_option",
    "findings_format_option",
    "format_option",
    "jobs_option",
    "output_option",
]

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Writable(click.Path):
    """A file, or with `file_okay=False` a folder, that a command writes when its work is done.

    Whether it can be written is asked before: nobody waits minutes for a report that then has no place.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        existing = path
        while not existing.exists():  # folders that are missing are made
            existing = existing.parent
        if existing != path and not existing.is_dir():
            self.fail(f"{str(path)!r} cannot be written: {str(existing)!r} is no folder", param, ctx)
        if not os.access(existing, os.W_OK):
            self.fail(f"{str(path)!r} cannot be written: no permission on {str(existing)!r}", param, ctx)
        return path


class _Group(click.Group):
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=200)) for name, command in commands])


def command_group(function: Callable[..., Any]) -> click.Group:
    """A command with commands of its own; its help tells what each does in full."""
    return click.group(cls=_Group, no_args_is_help=False)(function)


def database_option(help_text: str = "Database to work on.") -> _Decorator:
    """`--database URL`; beats DBKIT_DATABASE_URL, DATABASE_URL, the libpq variables and dbkit.toml."""
    return click.option(
        "--database",
        "database",
        metavar="URL",
        default=None,
        help=f"{help_text} Beats DBKIT_DATABASE_URL, DATABASE_URL, PG* variables and dbkit.toml.",
    )


def format_option(*formats: str) -> _Decorator:
    """`--format`; text and json everywhere, further ones where a command has them."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(("text", "json", *formats)),
        default="text",
        show_default=True,
        help="Output format.",
    )


def findings_format_option(*formats: str) -> _Decorator:
    """`--format` of a command that ends in findings: all that `dbkit.output` writes, and further ones of its own."""
    return format_option("github", "gitlab", "junit", "sarif", *formats)


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--output FILE`; the text still goes to the terminal."""
    return click.option(
        "--output",
        "output",
        type=Writable(dir_okay=False),
        default=None,
        metavar="FILE",
        help="Write the --format to FILE and print the text.",
    )(function)


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--config FILE`; default: the nearest dbkit.toml upwards from the working directory."""
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path, dir_okay=False),
        default=None,
        metavar="FILE",
        help="Project file. Default: the nearest dbkit.toml upwards.",
    )(function)


def jobs_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--jobs N`; default: one worker a core."""
    return click.option(
        "--jobs", "-j", type=click.IntRange(1, 64), default=None, metavar="N", help="Workers. Default: one a core."
    )(function)

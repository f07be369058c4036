"""Options that several commands share, so that each means the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = [
    "config_option",
    "database_option",
    "findings_format_option",
    "format_option",
    "jobs_option",
    "output_option",
]

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


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
        type=click.Path(path_type=Path, dir_okay=False),
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

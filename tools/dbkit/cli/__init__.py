"""The command line: a group that imports a command's module only when that command runs.

Starting up must not import a driver or a parser (`dbkit --help` is what a shell prompt or a pre-commit hook pays),
so the table below carries each command's one-line help; a test keeps it equal to the command's docstring.
"""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType
from typing import Any

import click

from dbkit import __version__
from dbkit.errors import EXIT_ERROR, DbkitError

__all__ = ["COMMANDS", "cli", "main"]

# name -> (module of dbkit.cli, one-line help)
COMMANDS: dict[str, tuple[str, str]] = {
    "migrate": ("migrate", "Plan, apply, revert and check migrations."),
    "drift": ("drift", "Prove that declared SQL, migrations and a live database agree."),
    "lint": ("lint", "Find defects in SQL files."),
    "test": ("test", "Run pgTAP files, each worker on a database of its own."),
    "leak": ("leak", "Prove that no tenant reaches another."),
    "bootstrap": ("bootstrap", "Create the roles that migrations assume."),
    "seed": ("seed", "Load the seed files of one environment."),
    "doctor": ("doctor", "Show what this machine offers dbkit and how to mend what is missing."),
    "init": ("init", "Start a project with a module of its own beside core."),
    "docs": ("docs", "Write the SQL reference of a project from its comments."),
    "demo": ("demo", "Show the whole flow on a disposable server."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"dbkit.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise DbkitError(
                f"unknown command: {args[0]}",
                detail=f"The commands are {', '.join(COMMANDS)}.",
                hint="Run: dbkit --help",
            )
        return super().resolve_command(ctx, args)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dbkit")
def cli() -> None:
    """Apply, lint, test SQL and prove tenant isolation on PostgreSQL.

    Exit code 0: clean. 1: findings. 2: could not run (bad input, no server, or a proof that proved nothing).
    """


def main(argv: list[str] | None = None) -> Any:
    """Run the command line and turn every known failure into error/detail/hint and exit code 2."""
    # SIGTERM unwinds like Ctrl-C, so that `with` blocks stop servers and roll back.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return cli.main(args=argv, prog_name="dbkit", standalone_mode=False)
    except DbkitError as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_ERROR)
    except click.UsageError as error:
        click.echo(str(_from_usage_error(error)), err=True)
        sys.exit(EXIT_ERROR)
    except click.ClickException as error:
        click.echo(str(DbkitError(error.format_message())), err=True)
        sys.exit(EXIT_ERROR)
    except (KeyboardInterrupt, click.Abort):
        click.echo("error: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_ERROR)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _from_usage_error(error: click.UsageError) -> DbkitError:
    command = error.ctx.command_path if error.ctx else "dbkit"
    message = error.format_message()
    return DbkitError(message[:1].lower() + message[1:].rstrip("."), hint=f"Run: {command} --help")

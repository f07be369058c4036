"""What `--help` promises: every command says what it does, shows how, and starts without a driver or a parser."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from doc_pages import check_command

from dbkit.cli import COMMANDS
from dbkit.docs.tool_pages import walk

# A command is asked in the context of its group: click keeps the help option of whoever asks first.
CONTEXTS = {" ".join(path): context for path, _, context in walk()}
ALL = {path: context.command for path, context in CONTEXTS.items()}
RUNNABLE = {path: command for path, command in ALL.items() if not isinstance(command, click.Group)}

HEAVY = ("psycopg", "psycopg_binary", "pglast", "rich", "sqlglot", "testcontainers", "docker", "pytest", "hypothesis")


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_the_table_is_the_first_line_of_the_docstring(command: str) -> None:
    module, text = COMMANDS[command]
    found: click.Command = getattr(importlib.import_module(f"dbkit.cli.{module}"), module)
    assert (found.help or "").splitlines()[0] == text


@pytest.mark.parametrize("path", ALL)
def test_the_first_line_is_one_sentence(path: str) -> None:
    first = (ALL[path].help or "").splitlines()[0]
    assert first[:1].isupper()
    assert first.endswith(".")


def examples(command: click.Command) -> list[str]:
    """The lines below "Example:" in a command's help, without the leading `dbkit `."""
    _, _, block = (command.help or "").partition("Example:")
    return [line.strip().removeprefix("dbkit ") for line in block.splitlines() if line.strip().startswith("dbkit ")]


@pytest.mark.parametrize("path", RUNNABLE)
def test_every_command_has_an_example_that_would_be_accepted(path: str) -> None:
    lines = examples(RUNNABLE[path])
    assert lines, f"{path} has no Example:"
    for line in lines:
        assert f"dbkit {line}".startswith(path)
        check_command(line)


@pytest.mark.parametrize("path", RUNNABLE)
def test_examples_keep_their_lines(path: str) -> None:
    """Without its \\b mark click would wrap an example into prose."""
    shown = RUNNABLE[path].get_help(CONTEXTS[path])
    printed = {line.strip() for line in shown.splitlines()}
    assert {f"dbkit {line}" for line in examples(RUNNABLE[path])} <= printed


@pytest.mark.parametrize("path", RUNNABLE)
def test_every_option_says_what_it_does(path: str) -> None:
    options = [option for option in RUNNABLE[path].params if isinstance(option, click.Option)]
    assert [option.opts[0] for option in options if not option.help] == []


@pytest.mark.parametrize("path", [path for path in RUNNABLE if path not in ("dbkit demo", "dbkit migrate new")])
def test_every_command_gives_json(path: str) -> None:
    (choice,) = (option for option in RUNNABLE[path].params if "--format" in option.opts)
    assert isinstance(choice.type, click.Choice)
    assert {"text", "json"} <= set(choice.type.choices)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["migrate", "--help"], ["drift", "--help"]])
def test_help_imports_no_driver_and_no_parser(arguments: list[str]) -> None:
    code = (
        f"import sys\nfrom dbkit.cli import main\n"
        f"try:\n    main({arguments!r})\nfinally:\n    print('loaded', *sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.rpartition("loaded ")[2].split()
    assert "click" in loaded
    assert [name for name in HEAVY if name in loaded] == []

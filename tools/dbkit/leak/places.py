"""Where a person mends a finding of the proof: the file that declares the object, else the tenancy declaration."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.mentions import read_objects
from dbkit.report import Finding, Location
from dbkit.source import SqlFile, module_files, sql_root

__all__ = ["located"]


def located(findings: Iterable[Finding], config: Config, declaration_file: str) -> list[Finding]:
    """The findings, each with a location.

    Args:
        config: its declared tree is searched; a project without modules has none.
        declaration_file: where the tenancy was read from; findings about what no file declares point there.
    """
    declared = _declared(config)
    tenancy = _text(Path(declaration_file))
    shown = config.display(Path(declaration_file))

    def place(finding: Finding) -> Location:
        known = declared.get(_bare(finding.object or ""))
        return known or Location(shown, _line_of(tenancy, finding.object))

    return [finding if finding.location else finding._replace(location=place(finding)) for finding in findings]


def _declared(config: Config) -> dict[str, Location]:
    """`schema.name` of each relation and function -> its guard sheet where it has one, else where it is created."""
    found: dict[str, Location] = {}
    for file in _own_files(config):
        display = config.display(file.path)
        try:
            objects = read_objects(file.text, display)
        except DbkitError:
            continue  # not what this run is about; building or linting says it
        guards = {
            name: at for name, at in objects.mentions.items() if file.kind == "policies" and name.name == file.name
        }
        for name, offset in (objects.creates | guards).items():
            found[f"{name.schema}.{name.name}"] = Location(display, file.text.count("\n", 0, offset) + 1)
    return found


def _own_files(config: Config) -> Iterator[SqlFile]:
    """Files under the project's `sql/`, guard sheets last; what travels with dbkit is not the reader's to mend."""
    root = sql_root(config)
    for module in config.modules:
        yield from (file for file in module_files(config, module) if file.path.is_relative_to(root))


def _bare(name: str) -> str:
    """`schema.name` of `schema.name(arguments)`, as the catalogs write it without quotes."""
    return name.partition("(")[0].replace('"', "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _line_of(text: str, name: str | None) -> int:
    """The line that names the object, else the one that opens the declaration."""
    wanted = [rf"(?<![\w.]){re.escape(name)}(?![\w.])"] if name else []
    for pattern in [*wanted, r"^\s*\[tenancy\]"]:
        if found := re.search(pattern, text, re.MULTILINE):
            return text.count("\n", 0, found.start()) + 1
    return 1

"""The reference pages: what is commented in a database and in this package, as Markdown.

    sql_pages   functions and tables of a built project, from COMMENT ON and the catalog snapshot
    error_page  what SQL raises and what commands answer
    tool_pages  commands, configuration, lint rules: the documentation of dbkit itself

Pages are the same whatever server built them (15 to 18), so a stale one is found by comparing text.
"""

from __future__ import annotations

from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.report import Finding, Location, Severity

__all__ = ["pages_of_database", "pages_of_project", "pages_of_tool", "stale", "write"]


def pages_of_project(config: Config) -> dict[str, str]:
    """The pages about a project's own SQL, built from the declared tree on a disposable server.

    Returns:
        File name -> text.
    """
    from dbkit import source
    from dbkit.postgres import open_server
    from dbkit.recipe import project_recipe

    modules = source.module_order(config)
    recipe = project_recipe(config)
    with open_server(config, recipe) as server, server.template(recipe).clone() as database:
        return pages_of_database(database.conninfo, modules)


def pages_of_database(conninfo: str, modules: list[str]) -> dict[str, str]:
    """The pages about the schemas of a database that is built already.

    Args:
        modules: schemas to document, in the order of the pages.
    """
    from dbkit.catalog import snapshot
    from dbkit.docs import error_page, sql_pages

    taken = snapshot(conninfo, modules)
    return {
        "errors.md": error_page.errors(conninfo, taken),
        "sql-functions.md": sql_pages.functions(taken, modules),
        "sql-tables.md": sql_pages.tables(taken, modules),
    }


def pages_of_tool() -> dict[str, str]:
    """The pages about dbkit itself; they need no server."""
    from dbkit.docs import tool_pages
    from dbkit.lint.render import reference

    return {
        "cli.md": tool_pages.commands(),
        "configuration.md": tool_pages.configuration(),
        "lint-rules.md": reference(),
    }


def write(folder: Path, pages: dict[str, str]) -> list[Path]:
    """Write the pages that differ from what is there.

    Returns:
        The files written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in pages.items():
            path = folder / name
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
                written.append(path)
    except OSError as error:
        raise DbkitError(
            f"cannot write {error.filename}", detail=f"{error.strerror}.", hint="Name another folder with --dir."
        ) from None
    return written


def stale(config: Config, folder: Path, pages: dict[str, str], *, mend: str = "dbkit docs") -> list[Finding]:
    """One finding for each page that is missing or says something else than what would be written now.

    Args:
        mend: the command that writes them.
    """
    findings = []
    for name, text in pages.items():
        path = folder / name
        found = path.read_text(encoding="utf-8") if path.is_file() else None
        if found == text:
            continue
        line = _first_difference(found or "", text)
        findings.append(
            Finding(
                rule="stale_page" if found is not None else "missing_page",
                severity=Severity.ERROR,
                message="page is stale" if found is not None else "page is missing",
                location=Location(config.display(path), line),
                hint=f"Run: {mend}",
            )
        )
    return findings


def _first_difference(found: str, wanted: str) -> int:
    old, new = found.split("\n"), wanted.split("\n")
    same = next((number for number, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), None)
    return (min(len(old), len(new)) if same is None else same) + 1

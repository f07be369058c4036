"""The documentation is true: what it says to type exists, its SQL runs, and everything public is described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import psycopg
import pytest
from doc_pages import REPO, blocks, check_command, check_sql, command_lines, name, prose

from dbkit.catalog import Snapshot, snapshot
from dbkit.config import Config, load_config
from dbkit.docs import error_page, pages_of_database, pages_of_tool, stale, write
from dbkit.docs.markdown import Headings
from dbkit.docs.sql_pages import split_errors
from dbkit.docs.tool_pages import ENVIRONMENT
from dbkit.postgres import Database, Server, open_server
from dbkit.postgres.binaries import Binaries, find_binaries
from dbkit.recipe import project_recipe

REFERENCE = REPO / "docs" / "reference"
PAGES = sorted([*(REPO / "docs").glob("*.md"), REPO / "README.md", REPO / "CONVENTIONS.md"])
MODULES = ["core", "rental", "storage"]

MAKE = re.compile(r"(?:^\$ |^\s*|`)make (?P<target>[a-z][a-z-]*)", re.MULTILINE)
LINK = re.compile(r"\]\((?P<path>[^)#\s]+)?(?:#(?P<anchor>[^)\s]+))?\)")


# ---------------------------------------------------------------------------------------------------------------------
# What a page says to type
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_line_of_a_page_exists(page: Path) -> None:
    for line in command_lines(page):
        try:
            check_command(line)
        except click.UsageError as error:
            pytest.fail(f"dbkit {line}: {error.format_message()}")


def test_the_pages_for_readers_show_commands() -> None:
    for page in ("quickstart", "for-dbas", "for-ci"):
        assert len(list(command_lines(REPO / "docs" / f"{page}.md"))) > 8


@pytest.mark.parametrize("line", ["frobnicate", "migrate frob", "lint --frob", "test --jobs many", "seed x --env y"])
def test_a_command_line_that_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(click.UsageError):
        check_command(line)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_of_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (REPO / "Makefile").read_text(), re.MULTILINE))
    code = "\n".join([*(block.text for block in blocks(page)), *re.findall(r"`[^`\n]+`", prose(page))])
    assert {found["target"] for found in MAKE.finditer(code)} <= targets


@pytest.mark.parametrize("page", [*PAGES, *sorted(REFERENCE.glob("*.md"))], ids=name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for found in LINK.finditer(prose(page)):
        path, anchor = found["path"], found["anchor"]
        if path and re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)} links to {path}"
        assert not anchor or anchor in anchors(target), f"{name(page)} links to #{anchor} of {target.name}"


def anchors(page: Path) -> set[str]:
    headings = Headings()
    return {headings.anchor(found.strip("`")) for found in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_configuration_a_page_shows_is_accepted(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.info == ["toml"]:
            (tmp_path / "dbkit.toml").write_text(block.text)
            load_config(tmp_path / "dbkit.toml")


# ---------------------------------------------------------------------------------------------------------------------
# SQL and Python that a page says run
# ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_the_sql_of_a_page_runs_and_prints_what_the_page_says(page: Path, core_db: Database) -> None:
    ran = check_sql(page, core_db)
    if page.stem in ("for-app-teams", "for-dbas"):
        assert ran > 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```sql run\nselect 1;\nselect 1/0;\n```", "page.md:4: .*division by zero"),
        ("```sql run 22012\nselect 1;\n```", "page.md:4: "),
        ("```sql run\nselect 1;\n```\n\n```text output\n2\n```", "page.md:4 prints something else"),
    ],
)
def test_sql_that_does_something_else_is_noticed(core_db: Database, tmp_path: Path, text: str, complaint: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n{text}\n")
    with pytest.raises(AssertionError, match=complaint):
        check_sql(page, core_db)


def test_the_python_for_app_teams_runs(core_db: Database) -> None:
    page = REPO / "docs" / "for-app-teams.md"
    (code,) = (block.text for block in blocks(page) if block.info == ["python", "run"])
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        user = connection.execute("select id from core.upsert_user('idp|ann', 'ann@example.com', 'Ann')").fetchone()
        assert user is not None
        with connection.transaction():
            connection.execute("select core.set_context(%s)", user)
            connection.execute("select rental.register_landlord('North Homes')")
    names = {"conninfo": core_db.conninfo, "user_id": user[0], "tenant_id": user[0]}
    exec(compile(code, str(page), "exec"), names)
    assert names["row"][0]["units"] == []
    # the other way through it: nobody's tenant
    with pytest.raises(psycopg.Error) as refused:
        exec(compile(code, str(page), "exec"), names | {"tenant_id": "00000000-0000-0000-0000-000000000001"})
    assert refused.value.sqlstate == "PT403"


# ---------------------------------------------------------------------------------------------------------------------
# The reference
# ---------------------------------------------------------------------------------------------------------------------


def majors() -> list[Binaries]:
    """The first installation of each major version this machine has."""
    found: dict[int, Binaries] = {}
    for binaries in find_binaries(Config(root=REPO)):
        found.setdefault(binaries.major, binaries)
    return [found[major] for major in sorted(found) if major >= 15]


@pytest.mark.parametrize("binaries", majors(), ids=lambda binaries: str(binaries.major))
def test_the_reference_of_our_sql_is_what_every_server_gives(
    binaries: Binaries, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBKIT_PG_BIN", str(binaries.bin_dir))
    local = replace(config, postgres=replace(config.postgres, provider="local"))
    recipe = project_recipe(local)
    with open_server(local, recipe) as server, server.template(recipe).clone() as database:
        pages = pages_of_database(database.conninfo, MODULES)
    assert stale(config, REFERENCE, pages) == [], "run: make docs"


def test_the_reference_of_the_tool_is_up_to_date(config: Config) -> None:
    assert stale(config, REFERENCE, pages_of_tool()) == [], "run: make docs"


def test_every_page_of_the_reference_is_generated(taken: Snapshot) -> None:
    assert {page.name for page in REFERENCE.glob("*.md")} == {
        *pages_of_tool(), "errors.md", "sql-functions.md", "sql-tables.md",
    }  # fmt: skip


def test_a_page_that_is_stale_or_missing_is_found_and_written(config: Config, tmp_path: Path) -> None:
    pages = {"a.md": "one\ntwo\n", "b.md": "three\n"}
    assert [finding.rule for finding in stale(config, tmp_path, pages)] == ["missing_page", "missing_page"]
    assert len(write(tmp_path, pages)) == 2
    assert stale(config, tmp_path, pages) == []
    (tmp_path / "a.md").write_text("one\n2\n")
    (finding,) = stale(config, tmp_path, pages)
    assert (finding.rule, str(finding.location)) == ("stale_page", f"{tmp_path / 'a.md'}:2")
    assert write(tmp_path, pages) == [tmp_path / "a.md"]


# ---------------------------------------------------------------------------------------------------------------------
# Everything public is described
# ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def taken(config: Config, server: Server) -> Iterator[Snapshot]:
    with server.template(project_recipe(config)).clone() as clone:
        yield snapshot(clone.conninfo, MODULES)


def uncommented(taken: Snapshot) -> list[str]:
    """Schemas, tables, views, domains, types, sequences nobody owns, functions and policies without a comment."""
    kinds = (taken.schemas, taken.tables, taken.views, taken.domains, taken.types, taken.functions)
    bare = [key for kind in kinds for key, item in kind.items() if not item.comment]
    bare += [key for key, item in taken.sequences.items() if not item.comment and item.owned_by is None]
    bare += [
        f"policy {policy.name} on {key}"
        for key, table in taken.tables.items()
        for policy in table.policies.values()
        if not policy.comment
    ]
    return bare


def test_every_sql_object_has_a_comment(taken: Snapshot) -> None:
    assert len(taken.functions) > 80
    assert uncommented(taken) == []


def test_an_object_without_a_comment_is_noticed(core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as connection:
        connection.execute("comment on table rental.units is null")
        connection.execute("comment on policy system_all on rental.units is null")
        connection.execute("create function rental.f() returns int language sql return 1")
    assert uncommented(snapshot(core_db.conninfo, MODULES)) == [
        "rental.units", "rental.f()", "policy system_all on rental.units",
    ]  # fmt: skip


def test_every_function_says_which_errors_it_raises(taken: Snapshot) -> None:
    silent = [
        key
        for key, function in taken.functions.items()
        if error_page.raised(replace(taken, functions={key: function})) and not split_errors(function.comment or "")[1]
    ]
    assert silent == []


def test_every_error_code_is_documented(taken: Snapshot, core_db: Database) -> None:
    known = {row.code for row in error_page.known_errors(core_db.conninfo, taken)}
    assert {"PT400", "PT403", "PT409", "PT429", "23505", "22"} <= known
    named = {
        code
        for function in taken.functions.values()
        for code in re.findall(r"\bPT\d{3}\b", f"{function.comment} {function.body}")
    }
    assert named <= known
    page = (REFERENCE / "errors.md").read_text()
    assert [code for code in known if f"`{code.ljust(3, '…')}`" not in page] == []


def test_every_lint_rule_is_documented() -> None:
    from dbkit.lint.rule import load_rules

    page = (REFERENCE / "lint-rules.md").read_text()
    assert [rule for rule in load_rules() if f"\n## {rule}\n" not in page] == []


def test_every_variable_dbkit_reads_is_documented() -> None:
    sources = [path for path in (REPO / "tools" / "dbkit").rglob("*.py") if path.parent.name != "docs"]
    read = {found for path in sources for found in re.findall(r'"(DBKIT_[A-Z_]+)"', path.read_text())}
    assert read == {variable for variable in ENVIRONMENT if variable.startswith("DBKIT_")}

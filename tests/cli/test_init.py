"""`dbkit init`: a project that works from an installed wheel, outside the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from dbkit.cli import cli
from dbkit.config import Config, load_config
from dbkit.errors import DbkitError
from dbkit.init import init

REPO = Path(__file__).resolve().parents[2]

FILES = [
    "dbkit.toml",
    "sql/functions/shop/create_note.sql",
    "sql/policies/shop/notes.sql",
    "sql/schema/shop/_module.sql",
    "sql/schema/shop/notes.sql",
    "tests/pgtap/shop/notes.sql",
    "tests/pgtap/_helpers.sql",
]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---------------------------------------------------------------------------------------------------------------------
# What is written
# ---------------------------------------------------------------------------------------------------------------------


def test_a_project_is_written_and_its_configuration_is_read(tmp_path: Path) -> None:
    project = init(tmp_path / "new", "shop")
    assert [str(path.relative_to(tmp_path / "new")) for path in project.files] == FILES
    assert files(tmp_path / "new") == sorted(FILES)
    assert load_config(tmp_path / "new" / "dbkit.toml").modules == {"core": (), "shop": ("core",)}
    assert not any("__module__" in path.read_text() for path in project.files)


def test_what_lies_in_the_folder_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    init(tmp_path, "shop")
    assert (tmp_path / "README.md").read_text() == "mine"


@pytest.mark.parametrize("existing", ["dbkit.toml", "sql/schema/shop/notes.sql", "tests/pgtap/_helpers.sql"])
def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path, existing: str) -> None:
    path = tmp_path / existing
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    with pytest.raises(DbkitError, match=f"{existing} exists already"):
        init(tmp_path, "shop")
    assert files(tmp_path) == [existing]
    assert path.read_text() == "mine"


def test_a_write_that_fails_half_way_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "tests").write_text("a file where a folder is wanted")
    with pytest.raises(DbkitError, match="cannot write"):
        init(tmp_path, "shop")
    assert files(tmp_path) == ["tests"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("Shop", "bad module name: Shop"),
        ("1shop", "bad module name: 1shop"),
        ("my-shop", "bad module name: my-shop"),
        ("../shop", "bad module name"),
        ("pg_shop", "bad module name: pg_shop"),
        ("", "bad module name"),
        ("core", "module name is taken: core"),
        ("rental", "module name is taken: rental"),
        ("public", "module name is taken: public"),
        ("tests", "module name is taken: tests"),
        ("order", "module name is an SQL keyword: order"),
        ("select", "module name is an SQL keyword: select"),
    ],
)
def test_a_name_that_cannot_be_a_module_is_refused(tmp_path: Path, name: str, complaint: str) -> None:
    with pytest.raises(DbkitError, match=complaint):
        init(tmp_path, name)
    assert files(tmp_path) == []


def test_the_command_names_what_it_wrote_and_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(cli, ["init", "shop", "--module", "shop"]).output
    assert [f"wrote shop/{name}" in shown for name in FILES] == [True] * len(FILES)
    assert '    cd shop\n    dbkit migrate new shop "notes"' in shown
    assert "dbkit leak" in shown
    monkeypatch.chdir(tmp_path / "shop")
    refused = CliRunner().invoke(cli, ["init"])
    assert isinstance(refused.exception, DbkitError)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = CliRunner().invoke(cli, ["init", "--format", "json"])
    assert json.loads(done.output)["files"][0] == "dbkit.toml"
    assert json.loads(done.output)["module"] == "app"


def test_core_is_declared_as_in_our_own_project(tmp_path: Path, config: Config) -> None:
    """A table that core gains has to be declared in the template as well."""
    init(tmp_path, "shop")
    theirs, ours = load_config(tmp_path / "dbkit.toml").tenancy, config.tenancy
    assert theirs is not None
    assert ours is not None
    for key in ("shared", "internal"):
        assert theirs[key] == [name for name in ours[key] if name.startswith("core.")]
    for key in ("user_tables", "values"):
        assert theirs[key] == {name: value for name, value in ours[key].items() if name.startswith("core.")}
    for key in ("app_roles", "context", "tenants", "memberships"):
        assert theirs[key] == ours[key]


# ---------------------------------------------------------------------------------------------------------------------
# What it does, from an installed wheel
# ---------------------------------------------------------------------------------------------------------------------

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, installed without its dependencies into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(build, cwd=REPO, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(folder / "site"),
    ]
    subprocess.run([*install, str(wheel)], check=True, capture_output=True)
    return folder / "site"


@pytest.fixture
def dbkit(installed: Path, tmp_path: Path) -> Run:
    """`dbkit("lint", …)` in the project's folder, with the installed package and no configured database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DATABASE_URL", "DBKIT_D"))}

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(installed / "bin" / "dbkit"), *arguments],
            cwd=tmp_path, env={**kept, "PYTHONPATH": str(installed)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


def test_the_commands_that_init_prints_work(installed: Path, dbkit: Run, tmp_path: Path) -> None:
    dbkit("init", "--module", "shop")
    assert files(tmp_path) == sorted(FILES)

    assert "schema shop: error: is in the declared tree but not in the migrations" in dbkit("drift", code=1).stdout

    drafted = dbkit("migrate", "new", "shop", "notes", "--author", "Ada").stdout.strip()
    assert "create table shop.notes" in (tmp_path / drafted).read_text()
    assert "Not drafted" not in (tmp_path / drafted).read_text()

    assert "declared tree = migrations: equal" in dbkit("drift").stdout
    assert "no findings in 5 files" in dbkit("lint").stdout
    assert "no findings" in dbkit("lint", "--profile", "strict").stdout
    assert "13 tests, 0 failed" in dbkit("test").stdout
    proof = json.loads(dbkit("leak", "--format", "json").stdout)
    assert [finding for finding in proof["findings"] if finding["severity"] != "note"] == []
    assert "shop.notes" in dbkit("leak").stdout

    dbkit("docs")
    assert "shop.create_note" in (tmp_path / "docs/reference/sql-functions.md").read_text()
    dbkit("docs", "--check")


def test_each_of_them_is_red_when_the_guard_is_broken(dbkit: Run, tmp_path: Path) -> None:
    dbkit("init", "--module", "shop")
    dbkit("migrate", "new", "shop", "notes", "--author", "Ada")
    dbkit("docs")
    sheet = tmp_path / "sql/policies/shop/notes.sql"
    sound = sheet.read_text()
    broken = sound.replace(
        "for select to app_user, app_readonly\n    using (tenant_id = (select core.active_tenant_id()))",
        "for select to app_user, app_readonly\n    using (true)",
    )
    assert broken != sound
    sheet.write_text(broken)
    assert "policy select_members on shop.notes" in dbkit("drift", code=1).stdout
    assert "ann sees the notes of north and no others" in dbkit("test", code=1).stdout
    assert "shop.notes" in dbkit("leak", code=1).stdout
    assert "sql-tables.md" in dbkit("docs", "--check", code=1).stdout

    sheet.write_text(sound.replace("alter table shop.notes force row level security;\n", ""))
    assert "rls_not_forced" in dbkit("lint", code=1).stdout

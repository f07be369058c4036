"""Native files without a server: names, headers, sections, order."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbkit.config import Config, MigrationsConfig
from dbkit.errors import DbkitError
from dbkit.migrate.files import Migration
from dbkit.migrate.layouts import discover
from dbkit.migrate.plan import run_order

HEADER = {
    "Migration": "create_table_a",
    "Description": "first table",
    "Author": "Ann",
    "Date": "2026-01-02",
    "Dependencies": "none",
    "Rollback": "down section",
}
BODY = "-- migrate:up\nselect 1;\n\n-- migrate:down\nselect 2;\n"
NAME = "20260102030405_create_table_a.sql"


def header(**changes: str | None) -> str:
    values = {**HEADER, **changes}
    return "".join(f"-- {key}: {value}\n" for key, value in values.items() if value is not None) + "\n"


def read(folder: Path, text: str, name: str = NAME) -> Migration:
    (folder / name).write_text(text)
    config = Config(root=folder, migrations=MigrationsConfig(layout="dbkit"))
    (migration,) = discover(config, folder=folder).migrations
    assert migration.parsed
    return migration


def test_sections_and_header(tmp_path: Path) -> None:
    migration = read(tmp_path, header() + BODY)
    assert migration.up.text.strip() == "select 1;"
    assert (migration.up.first_line, migration.up.transaction) == (9, True)
    assert migration.down is not None
    assert migration.down.text.strip() == "select 2;"
    assert migration.header["Author"] == "Ann"
    assert (migration.version, migration.name, str(migration)) == (
        "20260102030405",
        "create_table_a",
        "main/20260102030405",
    )


def test_continued_header_line(tmp_path: Path) -> None:
    text = header().replace("first table\n", "first table\n--     of the shop\n")
    assert read(tmp_path, text + BODY).header["Description"] == "first table of the shop"


@pytest.mark.parametrize("key", HEADER)
def test_missing_header_key_is_named(tmp_path: Path, key: str) -> None:
    with pytest.raises(DbkitError, match=f"header lacks {key}") as caught:
        read(tmp_path, header(**{key: None}) + BODY)
    assert f"{NAME}:1:" in (caught.value.detail or "")


@pytest.mark.parametrize(
    ("changes", "message", "line"),
    [
        ({"Date": "2026-01-03"}, "date differs from its version", 4),
        ({"Dependencies": "yesterday"}, "bad dependency", 5),
        ({"Rollback": "maybe"}, "bad Rollback", 6),
        ({"Rollback": "irreversible"}, "bad Rollback", 6),
        ({"Phase": "later"}, "unknown migration phase", 7),
    ],
)
def test_bad_header_value_names_its_line(tmp_path: Path, changes: dict[str, str], message: str, line: int) -> None:
    with pytest.raises(DbkitError, match=message) as caught:
        read(tmp_path, header(**changes) + BODY)
    assert f"{NAME}:{line}:" in (caught.value.detail or "")


@pytest.mark.parametrize(
    ("changes", "depends_on"),
    [
        ({"Phase": "contract", "Locks": "ACCESS EXCLUSIVE on a"}, ()),
        ({"Dependencies": "20260101000000"}, ("main/20260101000000",)),
        (
            {"Dependencies": "core/20260101000000, core/20260101000001_create_table_b.sql"},
            ("core/20260101000000", "core/20260101000001"),
        ),
    ],
)
def test_good_header_values(tmp_path: Path, changes: dict[str, str], depends_on: tuple[str, ...]) -> None:
    assert read(tmp_path, header(**changes) + BODY).depends_on == depends_on


@pytest.mark.parametrize(
    ("rollback", "body", "message"),
    [
        ("down section", "-- migrate:up\nselect 1;\n", "no way back"),
        ("irreversible: data is gone", BODY, "irreversible migration has a down section"),
        ("down section", "select 1;\n", "sections are missing"),
        ("down section", "-- migrate:down\n-- migrate:up\n", "sections are missing or out of order"),
        ("down section", "-- migrate:up transaction:no\n-- migrate:down\n", "unknown option"),
        ("down section", "-- migrate:up isolation:serializable\n-- migrate:down\n", "unknown option"),
    ],
)
def test_bad_sections(tmp_path: Path, rollback: str, body: str, message: str) -> None:
    with pytest.raises(DbkitError, match=message) as caught:
        read(tmp_path, header(Rollback=rollback) + body)
    assert f"{NAME}:" in (caught.value.detail or "")


def test_irreversible_with_a_reason(tmp_path: Path) -> None:
    migration = read(tmp_path, header(Rollback="irreversible: data is gone") + "-- migrate:up\nselect 1;\n")
    assert (migration.parsed.irreversible, migration.down) == ("data is gone", None)


def test_transaction_option_of_each_section(tmp_path: Path) -> None:
    body = BODY.replace("migrate:up", "migrate:up transaction:false")
    migration = read(tmp_path, header() + body)
    assert not migration.transactional
    assert migration.down is not None and migration.down.transaction is True


@pytest.mark.parametrize(
    "name",
    ["1_a.sql", "20261301000000_a.sql", "20260102030405_Create.sql", "20260102030405.sql", "20260102036005_a.sql"],
)
def test_bad_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(DbkitError, match="file name breaks the rule") as caught:
        read(tmp_path, header() + BODY, name)
    assert name in (caught.value.detail or "")


def test_duplicate_version_names_both(tmp_path: Path) -> None:
    (tmp_path / "20260102030405_b.sql").write_text(header() + BODY)
    with pytest.raises(DbkitError, match="two migrations have version 20260102030405") as caught:
        read(tmp_path, header() + BODY)
    assert NAME in (caught.value.detail or "")
    assert "20260102030405_b.sql" in (caught.value.detail or "")


def test_required_module_begins_first_and_time_settles_the_rest(tmp_path: Path) -> None:
    """A module that is older than what it needs waits for the first migration of that module, not for all."""
    for line, day in (("shop", "20250101"), ("base", "20260101"), ("base", "20260103"), ("shop", "20260102")):
        folder = tmp_path / "migrations" / line
        folder.mkdir(parents=True, exist_ok=True)
        text = header(Date=f"{day[:4]}-{day[4:6]}-{day[6:8]}") + BODY
        (folder / f"{day}000000_create_table_a.sql").write_text(text)
    config = Config(
        root=tmp_path, modules={"base": (), "shop": ("base",)}, migrations=MigrationsConfig(dir="migrations")
    )
    folder = discover(config, folder=tmp_path / "migrations")
    assert [str(migration)[:13] for migration in run_order(folder, folder.migrations, {})] == [
        "base/20260101",
        "shop/20250101",
        "shop/20260102",
        "base/20260103",
    ]

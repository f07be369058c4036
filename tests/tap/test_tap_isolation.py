"""What a file may share is read from its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbkit.errors import DbkitError
from dbkit.tap.isolation import Isolation, read_isolation


def isolation(text: str, folder: Path | None = None) -> Isolation:
    return read_isolation((folder or Path()) / "t.sql", text).isolation


@pytest.mark.parametrize(
    "text",
    [
        "begin; select 1; rollback;",
        "-- a comment\n\\set x 1\nBEGIN;\nselect plan(1);\nROLLBACK;",
        "start transaction; create role r; rollback",
        "set client_min_messages = warning; begin; select 1; rollback; reset all;",
        "begin; savepoint a; rollback to a; select 1; abort;",
        "begin; select 1;",
        "begin; create function f() returns void language plpgsql as $$ begin commit; end $$; rollback;",
        "begin; select 'commit;'; -- commit;\nrollback;",
        "begin; select 1; rollback and chain; select 2; rollback;",
    ],
)
def test_shares_a_clone(text: str) -> None:
    assert isolation(text) is Isolation.TRANSACTION


@pytest.mark.parametrize(
    "text",
    [
        "select plan(1);",
        "begin; select 1; commit;",
        "begin; select 1; end;",
        "begin; select 1; rollback; insert into t values (1); begin; rollback;",
        "create extension if not exists pgtap; begin; rollback;",
        "vacuum;",
        "begin; prepare transaction 'x';",
        "begin; create role r; rollback; insert into t values (1); create user mapping for r server s;",
        "",
    ],
)
def test_gets_a_clone_of_its_own(text: str) -> None:
    expected = Isolation.SERVER if "create role" in text else Isolation.DATABASE
    assert isolation(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "create role r;",
        "drop user u; begin; rollback;",
        "alter system set work_mem = '1MB';",
        "begin; create database d; commit;",
    ],
)
def test_gets_a_server_of_its_own(text: str) -> None:
    assert isolation(text) is Isolation.SERVER


def test_included_files_count(tmp_path: Path) -> None:
    (tmp_path / "_commits.sql").write_text("commit;")
    (tmp_path / "_reads.sql").write_text("select 1;")
    assert isolation("begin; \n\\ir _reads.sql\nrollback;", tmp_path) is Isolation.TRANSACTION
    assert isolation("begin; \n\\ir _commits.sql\nrollback;", tmp_path) is Isolation.DATABASE
    assert isolation("begin; \n\\ir :unknown\nrollback;", tmp_path) is Isolation.DATABASE


@pytest.mark.parametrize("value", list(Isolation))
def test_annotation_wins(value: Isolation) -> None:
    assert isolation(f"-- dbkit: isolation={value.value}\nselect 1;") is value


def test_unknown_annotation_is_refused() -> None:
    with pytest.raises(DbkitError, match="unknown isolation: table") as refused:
        isolation("\n-- dbkit: isolation=table\nselect 1;")
    assert "t.sql:2" in str(refused.value.detail)


def test_custom_settings_are_noticed() -> None:
    text = (
        "begin; set local app.Tenant = 'x'; select set_config('app.user', '', true), current_setting ( 'a.b'); rollback"
    )
    assert read_isolation(Path("t.sql"), text).settings == {"app.tenant", "app.user", "a.b"}

"""Folders of other runners are recognised, run in their order with their annotations, and never written to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from migration_project import LAYOUTS, Project

from dbkit.errors import DbkitError

Open = Callable[[str], Project]

# layout -> versions in the order they must run
ORDER = {
    "plain": ["1_items", "2_wrapped", "10_index", "11_more/1_rows", "12_copy"],
    "supabase": ["20260101000000", "20260102000000", "20260103000000"],
    "dbmate": ["20260101000000", "20260102000000", "20260103000000"],
    "golang-migrate": ["1", "2", "10"],
    "goose": ["1", "2", "3", "4"],
    "flyway": ["1", "1.2", "1.10", "2", "R__function"],
    "prisma": ["20260101000000_items", "20260102000000_state", "20260103000000_index"],
    "diesel": ["00000000000000", "20260102000000", "20260103000000"],
    "sqitch": ["schema", "functions/price@v1", "index", "functions/price"],
}
REVERSIBLE = ["dbmate", "golang-migrate", "goose", "diesel", "sqitch"]


@pytest.mark.parametrize("name", ORDER)
def test_runs_in_the_order_of_its_layout(layout: Open, name: str) -> None:
    project = layout(name)
    result = project.apply()
    assert result.folder.layout == name
    assert list(project.states()) == [f"main/{version}" for version in ORDER[name]]
    assert set(project.states().values()) == {"applied"}
    assert project.value("select indisvalid from pg_index where indexrelid = 'shop.items_price_idx'::regclass")
    assert project.apply().chosen == []


@pytest.mark.parametrize("name", REVERSIBLE)
def test_goes_back_to_nothing_and_up_again(layout: Open, name: str) -> None:
    project = layout(name)
    project.apply()
    project.revert(to="0")
    assert set(project.states().values()) == {"reverted"}
    assert project.value("select to_regnamespace('shop') is null")
    project.apply()
    assert set(project.states().values()) == {"applied"}
    assert project.value("select to_regclass('shop.items_price_idx') is not null")


def test_reading_changes_no_file(layout: Open) -> None:
    def digest() -> str:
        files = sorted(path for path in LAYOUTS.rglob("*") if path.is_file())
        return hashlib.sha256(b"".join(str(path).encode() + path.read_bytes() for path in files)).hexdigest()

    before = digest()
    layout("dbmate").apply()
    assert digest() == before


def test_native_lines_are_ordered_by_dependencies_and_time(layout: Open) -> None:
    project = layout("dbkit")
    project.apply()
    assert list(project.states()) == [
        "stock/20260101000000",
        "sales/20260102000000",
        "stock/20260103000000",
        "sales/20260104000000",
    ]


def test_plain_rows_of_copy_and_statements_after_it_arrive(layout: Open) -> None:
    project = layout("plain")
    project.apply()
    assert project.rows("select id, price from shop.items order by id") == [(1, 20), (2, 5), (3, 8.5)]


def test_goose_environment_is_substituted_only_where_it_is_switched_on(
    layout: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PRICE", "9")
    project = layout("goose")
    project.apply()
    assert project.value("select price from shop.items where id = 3") == 9
    assert project.value("select obj_description('shop.items'::regclass)") == "${SHOP_PRICE}"


def test_goose_environment_falls_back_to_the_default_in_the_file(layout: Open) -> None:
    project = layout("goose")
    project.apply()
    assert project.value("select price from shop.items where id = 3") == 7


def test_goose_statement_block_is_one_step(project: Project) -> None:
    project.write("1_a.sql", "-- +goose Up\ncreate table t (a int primary key);\n")
    project.write(
        "2_b.sql",
        "-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\ninsert into t values (1);\n"
        "insert into t values (1);\n-- +goose StatementEnd\n",
    )
    with pytest.raises(DbkitError, match="23505"):
        project.apply()
    assert project.value("select count(*) from t") == 0
    assert project.states() == {"main/1": "applied"}


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create table t ();\n", "no Up section"),
        ("-- +goose Up\n-- +goose StatementBegin\nselect 1;\n", "not closed"),
        ("-- +goose Up\n-- +goose Sideways\n", "unknown goose annotation"),
        ("-- +goose Down\n-- +goose Up\n", "out of order"),
    ],
)
def test_bad_goose_annotations_are_named(project: Project, sql: str, message: str) -> None:
    project.setting(layout="goose")
    path = project.write("1_a.sql", sql)
    with pytest.raises(DbkitError, match=message) as caught:
        project.apply()
    assert f"{path}:" in (caught.value.detail or "")


def test_goose_in_go_is_refused(project: Project) -> None:
    project.write("1_a.sql", "-- +goose Up\nselect 1;\n")
    project.write("2_b.go", "package migrations\n")
    with pytest.raises(DbkitError, match="written in Go"):
        project.apply()


def test_flyway_placeholders_come_from_settings_and_environment(layout: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLYWAY_PLACEHOLDERS_TABLE", "nowhere")
    with pytest.raises(DbkitError, match=r'relation "shop\.nowhere" does not exist'):
        layout("flyway").apply()


def test_flyway_placeholder_without_a_value_names_file_and_line(project: Project) -> None:
    project.write("V1__a.sql", "select 1;\nselect '${colour}';\n")
    with pytest.raises(DbkitError, match="placeholder has no value: colour") as caught:
        project.apply()
    assert "V1__a.sql:2:" in (caught.value.detail or "")


def test_flyway_repeatable_runs_again_when_it_changed(project: Project) -> None:
    project.write("V1__a.sql", "create table t (a int);\n")
    project.write("R__v.sql", "create or replace view v as select 1 as one;\n")
    project.apply()
    project.write("R__v.sql", "create or replace view v as select 2 as one;\n")
    assert [str(m) for m in project.apply().chosen] == ["main/R__v"]
    assert project.value("select one from v") == 2
    assert project.apply().chosen == []


def test_flyway_baseline_script_stands_for_what_came_before(project: Project) -> None:
    for version in (1, 2):
        project.write(f"V{version}__a.sql", "create table never ();\n")
    project.write("B2__all.sql", "create table t (a int);\n")
    project.write("V3__more.sql", "alter table t add column b int;\n")
    project.apply()
    assert list(project.states()) == ["main/B2", "main/3"]
    assert project.apply().chosen == []


def test_flyway_baseline_script_is_left_out_where_history_exists(project: Project) -> None:
    project.write("V1__a.sql", "create table t (a int);\n")
    project.apply()
    project.write("B2__all.sql", "create table t (a int);\n")
    project.write("V2__b.sql", "alter table t add column b int;\n")
    project.apply()
    assert list(project.states()) == ["main/1", "main/2"]


def test_files_that_are_not_run_are_said(layout: Open) -> None:
    run = layout("supabase").cli("plan")
    assert run.returncode == 0
    assert "README.sql is not run" in run.stderr
    assert "seed.sql is not run" in run.stderr


def test_a_forced_layout_beats_recognition(layout: Open) -> None:
    project = layout("dbmate")
    project.setting(layout="plain")
    assert project.apply(dry_run=True).folder.layout == "plain"


def test_unknown_layout_names_the_known_ones(project: Project) -> None:
    project.setting(layout="rails")
    with pytest.raises(DbkitError, match="unknown migration layout: rails") as caught:
        project.apply()
    assert "golang-migrate" in (caught.value.detail or "")


@pytest.mark.parametrize("name", ["supabase", "prisma"])
def test_the_tool_folder_above_migrations_is_accepted(layout: Open, name: str) -> None:
    assert layout(name).apply(dry_run=True).folder.path.name == "migrations"


@pytest.mark.parametrize(
    ("first", "second"), [("1_a.up.sql", "01_b.up.sql"), ("V1__a.sql", "V1.0__b.sql"), ("1_a.down.sql", None)]
)
def test_duplicate_versions_name_both_files(project: Project, first: str, second: str | None) -> None:
    project.write(first, "select 1;\n")
    if second is None:
        # The permitted twin: a down file has its own name and is no second migration.
        project.write("1_a.up.sql", "select 1;\n")
        assert len(project.apply().done) == 1
        return
    project.write(second, "select 1;\n")
    with pytest.raises(DbkitError, match="two migrations have version 1") as caught:
        project.apply()
    assert first in (caught.value.detail or "")
    assert second in (caught.value.detail or "")


def test_missing_folder(project: Project) -> None:
    run = project.cli("status")
    assert run.returncode == 0
    project.folder = Path("/nowhere/at/all")
    run = project.cli("status")
    assert run.returncode == 2
    assert "no such migrations folder" in run.stderr


@pytest.mark.parametrize(
    "mark",
    [
        "-- +migrate Down",
        "-- +micrate Down",
        "-- migrate:down",
        "-- rambler down",
        "-- Down Migration",
        "-- !Downs",
        "-- //@UNDO",
        "---- create above / drop below ----",
    ],
)
def test_a_plain_file_ends_where_another_tool_marks_the_way_back(project: Project, mark: str) -> None:
    # Three files, so that dbmate's mark stands in a folder that is not recognised as dbmate's.
    project.write("1_schema.sql", "create schema shop;\n")
    path = project.write("2_items.sql", f"create table shop.items (id int);\n\n{mark}\ndrop table shop.items;\n")
    project.write("3_index.sql", "create index on shop.items (id);\n")
    before = path.read_bytes()
    assert project.apply().folder.layout == "plain"
    assert project.value("select to_regclass('shop.items') is not null")
    assert path.read_bytes() == before


def test_the_marked_way_back_of_a_plain_file_reverts_it(project: Project) -> None:
    project.write("1_items.sql", "-- +migrate Up\ncreate table items (id int);\n-- +migrate Down\ndrop table items;\n")
    project.apply()
    project.revert(to="0")
    assert project.states() == {"main/1_items": "reverted"}
    assert project.value("select to_regclass('items') is null")


def test_an_error_below_the_mark_names_the_line_of_the_file(project: Project) -> None:
    project.write("1_items.sql", "-- Up Migration\ncreate table items (id int);\n-- Down Migration\ndrop table itms;\n")
    project.apply()
    with pytest.raises(DbkitError, match="itms") as error:
        project.revert(to="0")
    assert "1_items.sql:4" in str(error.value)


def test_a_way_up_below_the_way_back_is_refused(project: Project) -> None:
    project.write("1.sql", "-- +migrate Up\nselect 1;\n-- +migrate Down\nselect 2;\n-- +migrate Up\nselect 3;\n")
    with pytest.raises(DbkitError, match="out of order") as error:
        project.apply()
    assert "1.sql:5" in str(error.value)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("1.do.items.sql", "1.undo.items.sql"),
        ("1.items.sql", "1.items.rollback.sql"),
        ("1_items.sql", "1_items.down.sql"),
        ("1-items-up.sql", "1-items-down.sql"),
        ("1_items.sql", "down/1_items.sql"),
        ("up/1_items.sql", "down/1_items.sql"),
        ("deploy/1_items.sql", "revert/1_items.sql"),
    ],
)
def test_a_plain_file_that_undoes_another_is_its_way_back(project: Project, up: str, down: str) -> None:
    project.write(up, "create table items (id int);\n")
    project.write(down, "drop table items;\n")
    assert [migration.path.name for migration in project.apply().chosen] == [Path(up).name]
    assert project.value("select to_regclass('items') is not null")
    project.revert(to="0")
    assert project.value("select to_regclass('items') is null")


def test_a_plain_file_that_only_sounds_like_a_way_back_runs(project: Project) -> None:
    project.write("1_rollback_log.sql", "create table rollback_log (id int);\n")
    project.write("2_scale_down.sql", "create table scaled (id int);\n")
    project.write("3_a.sql", "-- down the road there will be more\ncreate table a (id int);\n")
    assert len(project.apply().chosen) == 3
    assert project.value("select to_regclass('a') is not null")


def test_a_plain_file_may_call_a_procedure_that_commits(project: Project) -> None:
    project.write(
        "1.sql",
        "create table kept (id int);\n"
        "create procedure keep() language plpgsql as $$\n"
        "begin insert into kept values (1); commit; insert into kept values (2); rollback; end $$;\n"
        "call keep();\n",
    )
    project.apply()
    assert project.value("select array_agg(id) from kept") == [1]


def test_the_hint_for_a_builtin_flyway_placeholder_can_be_followed(project: Project) -> None:
    path = project.write("V1__a.sql", "create table a (made text default '${flyway:timestamp}');\n")
    with pytest.raises(DbkitError, match="no value: flyway:timestamp") as error:
        project.apply()
    assert "FLYWAY_PLACEHOLDERS" not in str(error.value)
    path.with_name("flyway.conf").write_text("flyway.placeholders.flyway:timestamp=2026-01-01\n", encoding="utf-8")
    project.apply()
    project.execute("insert into a default values")
    assert project.value("select made from a") == "2026-01-01"

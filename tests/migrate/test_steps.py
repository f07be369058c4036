"""Files that cannot be one transaction: each statement recorded, resumed after a failure, never done while INVALID."""

from __future__ import annotations

import pytest
from migration_project import Project

from dbkit.errors import DbkitError

INDEX = "create unique index concurrently if not exists t_a_key on t (a);"


def step_states(project: Project) -> list[tuple[int, str]]:
    return [
        (step, state)
        for step, state in project.rows("select step, state from dbkit.migration_steps order by version, step")
    ]


def index_is_valid(project: Project, name: str) -> bool | None:
    rows = project.rows("select indisvalid from pg_index where indexrelid = to_regclass(%s)", name)
    return rows[0][0] if rows else None


@pytest.fixture
def table(project: Project) -> Project:
    """A table with a duplicate, on which a unique index must fail."""
    project.native("20260101", "create_table_t", "create table t (a int);", "drop table t;")
    project.apply()
    project.execute("insert into t values (1), (1)")
    return project


def test_failed_unique_index_is_not_recorded_and_rebuilt(table: Project) -> None:
    """dbmate, yoyo and sqitch record this migration as applied while its index stays INVALID for ever."""
    table.native("20260102", "idx_t_a", INDEX, "drop index concurrently t_a_key;", options="transaction:false")
    with pytest.raises(DbkitError, match="23505") as caught:
        table.apply()
    assert "20260102000000_idx_t_a.sql:9" in (caught.value.detail or "")
    assert "(a)=(…)" in (caught.value.detail or "")  # not the duplicate's value
    assert table.states()["main/20260102000000"] == "partial"

    # Still not, however often it is tried.
    with pytest.raises(DbkitError, match="23505"):
        table.apply()
    assert table.states()["main/20260102000000"] == "partial"

    table.execute("delete from t where ctid in (select ctid from t limit 1)")
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"
    assert index_is_valid(table, "t_a_key") is True


def test_invalid_index_left_by_another_runner_is_rebuilt(table: Project) -> None:
    """IF NOT EXISTS would skip the INVALID index and report success."""
    with pytest.raises(Exception, match="could not create unique index"):
        table.execute("create unique index concurrently t_a_key on t (a)")
    assert index_is_valid(table, "t_a_key") is False
    table.execute("delete from t where ctid in (select ctid from t limit 1)")
    table.native("20260102", "idx_t_a", INDEX, None, options="transaction:false")
    table.apply()
    assert index_is_valid(table, "t_a_key") is True
    assert any("left INVALID" in note for note in table.notes)


def test_index_that_became_invalid_before_the_end_is_not_recorded(project: Project) -> None:
    """Whatever made it INVALID: the last look is at the catalog."""
    break_it = "update pg_index set indisvalid = false where indexrelid = 't_a_idx'::regclass;"
    sql = f"create table t (a int);\ncreate index concurrently t_a_idx on t (a);\n{break_it}"
    project.native("20260101", "idx_t_a", sql, None, options="transaction:false")
    with pytest.raises(DbkitError, match=r"index is INVALID after it was built: public\.t_a_idx"):
        project.apply()
    assert project.states() == {"main/20260101000000": "partial"}
    project.apply()
    assert project.states() == {"main/20260101000000": "applied"}
    assert index_is_valid(project, "t_a_idx") is True


def test_existing_valid_index_is_left_alone(table: Project) -> None:
    table.execute("delete from t where ctid in (select ctid from t limit 1)")
    table.execute("create unique index t_a_key on t (a)")
    before = table.value("select 't_a_key'::regclass::oid")
    table.native("20260102", "idx_t_a", INDEX, None, options="transaction:false")
    table.apply()
    assert table.value("select 't_a_key'::regclass::oid") == before
    assert table.states()["main/20260102000000"] == "applied"


def test_failed_index_without_a_name_is_rebuilt(table: Project) -> None:
    table.native("20260102", "idx_t_a", "create unique index concurrently on t (a);", None, options="transaction:false")
    with pytest.raises(DbkitError, match="23505"):
        table.apply()
    table.execute("delete from t where ctid in (select ctid from t limit 1)")
    table.apply()
    assert table.rows("select indisvalid from pg_index where indrelid = 't'::regclass") == [(True,)]


def test_resume_starts_at_the_failed_statement(table: Project) -> None:
    sql = "alter table t add column b int;\nset work_mem = '5MB';\n"
    sql += "insert into t values (1 / (select count(*) - 2 from t));\n"
    sql += "create table settings as select current_setting('work_mem') as work_mem;\nvacuum t;"
    table.native("20260102", "alter_table_t", sql, None, options="transaction:false")
    with pytest.raises(DbkitError, match="22012") as caught:
        table.apply()
    assert "20260102000000_alter_table_t.sql:11" in (caught.value.detail or "")
    assert step_states(table) == [(1, "done"), (2, "done")]
    table.execute("insert into t values (7)")
    table.apply()
    assert step_states(table) == [(number, "done") for number in range(1, 6)]
    # The SET of the first run died with its session; it ran again.
    assert table.value("select work_mem from settings") == "5MB"
    assert table.states()["main/20260102000000"] == "applied"


def test_failed_statement_may_be_corrected_before_the_resume(table: Project) -> None:
    path = table.native(
        "20260102", "alter_table_t", "alter table t add column b int;\nslect 1;\nvacuum t;", None,
        options="transaction:false",
    )  # fmt: skip
    with pytest.raises(DbkitError, match="42601"):
        table.apply()
    path.write_text(path.read_text().replace("slect 1", "select 1"))
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"


def test_statement_that_ran_may_not_be_edited_before_the_resume(table: Project) -> None:
    path = table.native(
        "20260102", "alter_table_t", "alter table t add column b int;\nslect 1;", None, options="transaction:false"
    )
    with pytest.raises(DbkitError, match="42601"):
        table.apply()
    path.write_text(path.read_text().replace("column b int", "column b bigint"))
    with pytest.raises(DbkitError, match="changed in a step that already ran") as caught:
        table.apply()
    assert "alter_table_t.sql:9" in (caught.value.detail or "")


def test_first_statement_that_fails_leaves_no_trace(table: Project) -> None:
    table.native("20260102", "alter_table_t", "slect 1;\nvacuum t;", None, options="transaction:false")
    with pytest.raises(DbkitError, match="42601"):
        table.apply()
    assert table.states() == {"main/20260101000000": "applied"}


def test_procedure_that_commits_runs_bare_and_one_that_does_not_runs_with_its_row(project: Project) -> None:
    body = (
        "create procedure fill() language plpgsql as"
        " $$ begin insert into t values (1); commit; insert into t values (2); end $$;"
    )
    project.native("20260101", "create_table_t", f"create table t (a int);\n{body}", None)
    project.native(
        "20260102", "add_data_t", "call fill();\ndo $$ begin insert into t values (3); end $$;", None,
        options="transaction:false",
    )  # fmt: skip
    project.apply()
    assert project.rows("select a from t order by a") == [(1,), (2,), (3,)]


def test_way_back_without_a_transaction_resumes_too(table: Project) -> None:
    path = table.native(
        "20260102", "idx_t_b", "alter table t add column b int;\ncreate index concurrently t_b_idx on t (b);",
        "drop index concurrently t_b_idx;\nslect 1;\nalter table t drop column b;", options="transaction:false",
    )  # fmt: skip
    table.apply()
    with pytest.raises(DbkitError, match="42601"):
        table.revert()
    assert table.states()["main/20260102000000"] == "reverting"
    run = table.cli("verify")
    assert run.returncode == 1
    assert "half_undone_migration" in run.stdout
    with pytest.raises(DbkitError, match="is half undone"):
        table.apply()
    path.write_text(path.read_text().replace("slect 1", "select 1"))
    table.revert()
    assert table.states()["main/20260102000000"] == "reverted"
    table.apply()
    assert table.states()["main/20260102000000"] == "applied"


def test_concurrent_detach_and_reindex(project: Project) -> None:
    setup = "create table p (a int) partition by range (a);\ncreate table p1 partition of p for values from (0) to (9);"
    project.native("20260101", "create_table_p", f"{setup}\ncreate index p1_a on p1 (a);", None)
    project.native(
        "20260102", "alter_table_p", "alter table p detach partition p1 concurrently;\nreindex table concurrently p1;",
        None, options="transaction:false",
    )  # fmt: skip
    project.apply()
    assert project.value("select count(*) from pg_inherits") == 0


def test_plain_file_falls_back_by_itself_and_dbmate_file_wants_its_option(project: Project) -> None:
    project.write("1_t.sql", "create table t (a int);\n")
    project.write("2_i.sql", "insert into t values (1);\ncreate index concurrently i on t (a);\n")
    project.apply()
    assert project.value("select count(*) from t") == 1
    assert index_is_valid(project, "i") is True


def test_dbmate_file_without_the_option_is_told_of_it(project: Project) -> None:
    project.write("1_t.sql", "-- migrate:up\ncreate table t (a int);\n")
    project.write("2_i.sql", "-- migrate:up\ncreate index concurrently i on t (a);\n")
    with pytest.raises(DbkitError, match="25001") as caught:
        project.apply()
    assert "transaction:false" in (caught.value.hint or "")
    assert project.states() == {"main/1": "applied"}

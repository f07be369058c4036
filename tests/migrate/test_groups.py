"""Very many small files travel together; each is still a transaction of its own and fails as if it were alone."""

from __future__ import annotations

import pytest
from migration_project import Project, json_of

from dbkit.errors import DbkitError

COUNT = 100
BAD = 39  # the seventh of its group


@pytest.fixture
def many(project: Project) -> Project:
    for number in range(1, COUNT + 1):
        project.write(f"{number}.sql", f"create table t{number} (a int);\ninsert into t{number} values (1);\n")
    return project


def tables(project: Project) -> int:
    count: int = project.value("select count(*) from pg_class where relkind = 'r' and relname ~ '^t[0-9]+$'")
    return count


def test_all_are_recorded_with_their_own_time(many: Project) -> None:
    run = many.cli("apply", "--format", "json")
    done = json_of(run)["done"]
    assert [item["version"] for item in done] == [str(number) for number in range(1, COUNT + 1)]
    # The last ones travel alone and are timed from outside.
    recorded = many.rows("select version, execution_ms::int from dbkit.migrations order by position limit 32")
    assert [(item["version"], item["milliseconds"]) for item in done[:32]] == recorded
    assert many.value("select count(distinct applied_at) from dbkit.migrations") == COUNT


@pytest.mark.parametrize(
    ("sql", "sqlstate", "place"),
    [
        (f"create table t{BAD} (a int);\n\nselect 1 / 0;\n", "22012", f"{BAD}.sql:3\n    3 | select 1 / 0"),
        (f"create table t{BAD} (a int);\nselect nothing;\n", "42703", f"{BAD}.sql:2:8\n    2 | select nothing;"),
        (f"create table t{BAD} (a int);\nslect 1;\n", "42601", f"{BAD}.sql:2:1\n    2 | slect 1;"),
        ("select 'open;\n", "42601", f"{BAD}.sql:1\n    1 | select 'open;"),
    ],
)
def test_failure_is_placed_in_its_file(many: Project, sql: str, sqlstate: str, place: str) -> None:
    path = many.write(f"{BAD}.sql", sql)
    with pytest.raises(DbkitError, match=sqlstate) as caught:
        many.apply()
    detail = caught.value.detail or ""
    assert place in detail
    assert f"Of {COUNT} migrations {BAD - 1} were applied before it and {COUNT - BAD} were not run." in detail
    assert len(many.states()) == tables(many) == BAD - 1
    path.write_text(f"create table t{BAD} (a int);\n")
    many.apply()
    assert len(many.states()) == tables(many) == COUNT


def test_file_that_cannot_be_a_transaction_stands_among_them(many: Project) -> None:
    many.write(f"{BAD}.sql", f"create table t{BAD} (a int);\ncreate index concurrently on t{BAD} (a);\n")
    many.apply()
    assert list(many.states()) == [f"main/{number}" for number in range(1, COUNT + 1)]


def test_unreadable_file_stops_the_run_at_its_turn(many: Project) -> None:
    many.write(f"{BAD}.sql", "\\! true\n")
    with pytest.raises(DbkitError, match="psql command"):
        many.apply()
    assert len(many.states()) == BAD - 1


def test_lock_timeout_in_the_middle_is_retried(many: Project) -> None:
    many.setting(lock_retries=20)
    many.execute("create table busy (a int)")
    many.write(f"{BAD}.sql", f"create table t{BAD} (a int);\nalter table busy add column b int;\n")
    with many.connect() as other:
        other.execute("begin; lock table busy in access share mode")

        def release(note: str) -> None:
            many.notes.append(note)
            other.execute("rollback")

        from dbkit.migrate import runner

        runner.apply(many.database.conninfo, many.config, migrations=many.folder, say=release)
    assert f"main/{BAD}: canceling statement due to lock timeout (55P03)" in many.notes[0]
    assert len(many.states()) == tables(many) == COUNT


def test_settings_do_not_leak_inside_a_group(many: Project) -> None:
    many.write(f"{BAD}.sql", f"create table t{BAD} (a int);\nset search_path = pg_catalog;\nset role none;\n")
    many.apply()
    assert tables(many) == COUNT

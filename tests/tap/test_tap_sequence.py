"""Files that count on what an earlier file commits: pg_prove's one database, for those alone."""

from __future__ import annotations

import json

from tap_files import RunDbkit, Write, assertions

SETUP = "create schema helpers;\ncreate function helpers.answer() returns int language sql return 42;\n" + assertions(
    "pass('prepared')"
)
USES = assertions("is(helpers.answer(), 42)")


def outcome(dbkit: RunDbkit, *arguments: str) -> dict[str, tuple[bool, int, list[str]]]:
    """File name -> passed, tests, files it ran after."""
    report = json.loads(dbkit("test", *arguments, "--format", "json").stdout)
    return {
        result["file"].removeprefix("t/"): (result["passed"], result["tests"], result["after"])
        for result in report["summary"]["results"]
    }


def test_a_suite_with_a_setup_test_passes(write: Write, dbkit: RunDbkit) -> None:
    write("t/000-setup.sql", SETUP)
    write("t/a.sql", USES)
    write("t/b.sql", USES)
    write("t/c.sql", assertions("hasnt_schema('helpers')"))
    done = dbkit("test", "t")
    assert done.returncode == 0, done.stdout
    assert "note: 2 files ran again after t/000-setup.sql, which commits; " in done.stdout
    assert "FAIL" not in done.stdout
    assert outcome(dbkit, "t") == {
        "000-setup.sql": (True, 1, []),
        "a.sql": (True, 1, ["t/000-setup.sql"]),
        "b.sql": (True, 1, ["t/000-setup.sql"]),
        "c.sql": (True, 1, []),
    }


def test_given_as_setup_nothing_runs_twice(write: Write, dbkit: RunDbkit) -> None:
    setup = write("t/_setup.sql", SETUP)
    write("t/a.sql", USES)
    assert outcome(dbkit, "t", "--setup", str(setup)) == {"a.sql": (True, 1, [])}


def test_a_selection_finds_the_file_it_counts_on(write: Write, dbkit: RunDbkit) -> None:
    write("t/000-setup.sql", SETUP)
    write("t/a.sql", USES)
    assert outcome(dbkit, "t", "-k", "a and not setup") == {"a.sql": (True, 1, ["t/000-setup.sql"])}


def test_the_second_run_is_judged_like_any_other(write: Write, dbkit: RunDbkit) -> None:
    write("t/000-setup.sql", SETUP)
    write("t/a.sql", assertions("is(helpers.answer(), 41)", "is(helpers.answer(), 42)"))
    write("t/b.sql", assertions("is(helpers.question(), 42)"))
    done = dbkit("test", "t")
    assert done.returncode == 1
    assert "t/a.sql:3: not ok 1" in done.stdout and "have: 42" in done.stdout
    assert "function helpers.question() does not exist" in done.stdout
    assert outcome(dbkit, "t")["a.sql"] == (False, 2, ["t/000-setup.sql"])
    assert outcome(dbkit, "t")["b.sql"] == (False, 0, ["t/000-setup.sql"])


def test_a_file_that_the_others_do_not_help_is_blamed_alone(write: Write, dbkit: RunDbkit) -> None:
    write("t/000-setup.sql", SETUP)
    write("t/a.sql", assertions("is(nowhere(), 42)"))
    done = dbkit("test", "t")
    assert done.returncode == 1 and "note:" not in done.stdout
    assert outcome(dbkit, "t")["a.sql"] == (False, 0, [])


def test_what_comes_later_is_not_there(write: Write, dbkit: RunDbkit) -> None:
    write("t/a.sql", USES)
    write("t/b-setup.sql", SETUP)
    assert outcome(dbkit, "t")["a.sql"] == (False, 0, [])


def test_the_first_failure_that_stops_a_run_is_a_real_one(write: Write, dbkit: RunDbkit) -> None:
    write("t/000-setup.sql", SETUP)
    write("t/a.sql", USES)
    write("t/b.sql", assertions("fail('for real')"))
    write("t/c.sql", USES)
    found = outcome(dbkit, "t", "-x", "--jobs", "1")
    assert found["a.sql"][0] and not found["b.sql"][0] and "c.sql" not in found


def test_a_chain_of_files_that_commit_runs_in_order(write: Write, dbkit: RunDbkit) -> None:
    write("t/part1.sql", "create table steps (n int);\ninsert into steps values (1);\n" + assertions("pass()"))
    write("t/part2.sql", "insert into steps values (2);\n" + assertions("is((select sum(n) from steps), 3::bigint)"))
    write("t/part3.sql", "insert into steps values (3);\n" + assertions("is((select sum(n) from steps), 6::bigint)"))
    assert outcome(dbkit, "t") == {
        "part1.sql": (True, 1, []),
        "part2.sql": (True, 1, ["t/part1.sql"]),
        "part3.sql": (True, 1, ["t/part1.sql"]),
    }

"""`dbkit import`: every row of a file ends up imported once or refused with a reason."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

import psycopg
import pytest
from between import transaction_pooler

from dbkit.csv_file import open_csv
from dbkit.csv_import import Caller, import_csv, write_report
from dbkit.errors import DbkitError
from dbkit.postgres import Database

LANDLORD = "11111111-1111-4111-8111-111111111111"
STRANGER = "22222222-2222-4222-8222-222222222222"
HEADER = "firstName,lastName,email,unitId\n"

LANDLORDS = """
insert into core.users (id, email, name)
values (%(id)s, %(email)s, 'L');
insert into core.tenants (id, system, name, owner_user_id) values (%(id)s, 'rental', 'L', %(id)s);
insert into core.memberships (tenant_id, user_id, role_key) values (%(id)s, %(id)s, 'OWNER');
"""


@pytest.fixture
def landlords(core_db: Database) -> Database:
    with psycopg.connect(core_db.conninfo) as connection:
        for number, user in enumerate((LANDLORD, STRANGER)):
            for statement in LANDLORDS.strip().split(";\n"):
                connection.execute(statement, {"id": user, "email": f"l{number}@example.test"})
    return core_db


def arguments(database: Database, file: Path, *more: str, user: str = LANDLORD) -> list[str]:
    return [
        sys.executable, "-m", "dbkit", "import", "rental.bulk_invite_tenants", str(file),
        "--user", user, "--tenant", LANDLORD, "--database", database.conninfo, *more,
    ]  # fmt: skip


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def people(folder: Path, count: int) -> Path:
    path = folder / "people.csv"
    path.write_text(HEADER + "".join(f"F{n},L{n},p{n}@example.test,\n" for n in range(1, count + 1)))
    return path


def report(file: Path) -> list[dict[str, str]]:
    with file.with_name(f"{file.name}.report.csv").open(newline="") as source:
        return list(csv.DictReader(source))


def scalar(database: Database, statement: str) -> Any:
    with psycopg.connect(database.conninfo) as connection:
        row = connection.execute(statement).fetchone()
        assert row is not None
        return row[0]


def test_every_row_is_in_and_has_its_job(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 250)
    done = run(arguments(landlords, file, "--format", "json"), tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["total"], document["successful"], document["failed"], document["replayed"]) == (250, 250, 0, 0)
    assert scalar(landlords, "select count(*) from rental.tenants") == 250
    assert scalar(landlords, "select count(*) from core.job_queue where job_type = 'tenant_invite'") == 250
    rows = report(file)
    assert [row["line"] for row in rows] == [str(line) for line in range(2, 252)]
    assert {row["status"] for row in rows} == {"imported"} and all(row["inviteId"] for row in rows)


def test_refused_rows_are_reported_by_line_and_cost_no_other(landlords: Database, tmp_path: Path) -> None:
    file = tmp_path / "mixed.csv"
    file.write_text(
        "\ufeff" + HEADER + 'Ann,"Multi\nLine",ann@example.test,\n'
        "Bob,B,no address,\n\nCid,C,cid@example.test\nDan,D,dan@example.test,not-a-unit\nEve,E,eve@example.test,\n"
    )
    done = run(arguments(landlords, file), tmp_path)
    assert done.returncode == 1, done.stderr
    assert f"{file}:4: email is no valid address." in done.stdout
    assert "2 imported, 3 refused" in done.stdout
    assert [(row["line"], row["status"], row["error"]) for row in report(file)] == [
        ("2", "imported", ""),
        ("4", "failed", "email is no valid address."),
        ("6", "failed", "The row has another number of fields than the header (4)."),
        ("7", "failed", "unitId is no UUID."),
        ("8", "imported", ""),
    ]
    assert scalar(landlords, "select array_agg(email::text order by email) from rental.tenants") == [
        "ann@example.test", "eve@example.test",
    ]  # fmt: skip


def test_units_are_imported_in_the_same_way(landlords: Database, tmp_path: Path) -> None:
    file = tmp_path / "units.csv"
    good = "".join(f"Unit {n},{n} Main St,Salem,OR,97301,A-{n}\n" for n in range(1, 151))
    file.write_text(f"name,address1,city,state,postalCode,externalRef\n{good}Twin,1 Main St,Salem,OR,97301,A-1\n")
    command = [
        "rental.import_units" if word == "rental.bulk_invite_tenants" else word for word in arguments(landlords, file)
    ]
    done = run(command, tmp_path)
    assert done.returncode == 1, done.stderr
    refused = [row for row in report(file) if row["error"]]
    assert [row["line"] for row in refused] == ["152"]
    units = "select count(*) from rental.units where owner_user_id = '%s'"
    assert scalar(landlords, units % LANDLORD) == 150
    assert scalar(landlords, units % STRANGER) == 0
    assert run(command, tmp_path).returncode == 1
    assert scalar(landlords, units % LANDLORD) == 150  # answered from the first run


def test_a_second_run_answers_from_the_first(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 120)
    assert run(arguments(landlords, file), tmp_path).returncode == 0
    first = report(file)
    before = scalar(landlords, "select max(token_hash) from rental.tenant_invites")
    again = run(arguments(landlords, file), tmp_path)
    assert again.returncode == 0 and "120 imported (120 by an earlier run), 0 refused" in again.stdout
    assert report(file) == first
    assert scalar(landlords, "select max(token_hash) from rental.tenant_invites") == before


def test_killed_in_the_middle_it_goes_on_where_it_stopped(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 60)
    with psycopg.connect(landlords.conninfo) as blocker:
        # The third chunk of ten waits here for a row that somebody else is inviting.
        blocker.execute(
            "insert into rental.tenants (owner_user_id, first_name, last_name, email) values (%s, 'F', 'L', %s)",
            (LANDLORD, "p25@example.test"),
        )
        with subprocess.Popen(arguments(landlords, file, "--chunk", "10"), cwd=tmp_path) as process:
            deadline = time.monotonic() + 60
            while scalar(landlords, "select count(*) from rental.tenants") < 20:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
        blocker.rollback()
    assert not file.with_name("people.csv.report.csv").exists()
    again = run(arguments(landlords, file, "--chunk", "10"), tmp_path)
    assert again.returncode == 0 and "60 imported (20 by an earlier run)" in again.stdout, again
    assert scalar(landlords, "select count(*) from rental.tenants") == 60
    assert len(report(file)) == 60


def test_a_server_that_restarts_is_waited_for(landlords: Database, tmp_path: Path) -> None:
    """Connections that are cut are opened again, and the chunk is sent once more."""
    file = people(tmp_path, 60)
    with psycopg.connect(landlords.conninfo) as blocker:
        blocker.execute(
            "insert into rental.tenants (owner_user_id, first_name, last_name, email) values (%s, 'F', 'L', %s)",
            (LANDLORD, "p25@example.test"),
        )
        command = arguments(landlords, file, "--chunk", "10")
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
            waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
            deadline = time.monotonic() + 60
            while True:
                assert process.poll() is None and time.monotonic() < deadline
                with psycopg.connect(landlords.conninfo) as connection:
                    if found := connection.execute(waiting).fetchone():
                        connection.execute("select pg_terminate_backend(%s)", found)
                        break
                time.sleep(0.02)
            blocker.rollback()
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "60 imported" in said
    assert scalar(landlords, "select count(*) from rental.tenants") == 60


@pytest.mark.parametrize(
    "content, error",
    [
        ("", "file has no header"),
        ("a,a\n1,2\n", "file has no header"),
        ("a,\n1,2\n", "file has no header"),
        (HEADER, "file has no rows"),
        (b"a\n\xe9\n", "file is not UTF-8"),
        ('a\n"open\n', "file is no CSV"),
        ("a\n" + "x" * 200_000, "file is no CSV"),
        ("firstName;lastName\nA;B\n", "file is not separated by commas"),
        ("firstName\tlastName\nA\tB\n", "file is not separated by commas"),
        (None, "cannot read"),
    ],
)
def test_a_file_that_is_none(landlords: Database, tmp_path: Path, content: str | bytes | None, error: str) -> None:
    file = tmp_path / "file.csv"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    done = run(arguments(landlords, file), tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(f"error: {error}"), done
    assert "detail: " in done.stderr and "hint: " in done.stderr


TAKE = """
create schema plain;
grant usage on schema plain to app_user;
create function plain.take(p_rows jsonb) returns jsonb language sql as $$
    select jsonb_build_object('results', jsonb_build_object(
        'success', jsonb_agg(jsonb_build_object('row', n, 'id', md5(n::text))) filter (where n % 2 = 0),
        'failed', jsonb_agg(jsonb_build_object('row', n, 'error', 'odd')) filter (where n % 2 = 1)))
      from generate_series(1, jsonb_array_length(p_rows)) as n
$$;
grant execute on function plain.take(jsonb) to app_user
"""


def test_a_large_file_is_imported_in_less_memory_than_it_has_bytes(landlords: Database, tmp_path: Path) -> None:
    with psycopg.connect(landlords.conninfo) as connection:
        connection.execute(TAKE)
    file, target = tmp_path / "large.csv", tmp_path / "report.csv"
    with file.open("w") as source:
        source.write("name,note\n" + "".join(f"Name {n},{'x' * 200}{',' * (n % 10 == 9)}\n" for n in range(20_000)))
    caller = Caller(LANDLORD, LANDLORD)
    tracemalloc.start()
    try:
        with open_csv(file) as rows, import_csv(landlords.conninfo, "plain.take", rows, caller) as result:
            write_report(target, result)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (result.total, result.failed) == (20_000, 2_000 + 9_000)
    with target.open(newline="") as source:
        lines = [int(row["line"]) for row in csv.DictReader(source)]
    assert lines == list(range(2, 20_002))
    assert peak < file.stat().st_size


def test_a_pipe_is_imported_like_a_file(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 120)
    command = arguments(landlords, Path("/dev/stdin"), "--report", str(tmp_path / "people.csv.report.csv"))
    with subprocess.Popen(["cat", str(file)], stdout=subprocess.PIPE) as source:
        done = subprocess.run(
            command, stdin=source.stdout, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )
    assert done.returncode == 0, done.stderr
    assert [row["line"] for row in report(file)] == [str(line) for line in range(2, 122)]
    # the same bytes are the same file
    assert "(120 by an earlier run)" in run(arguments(landlords, file), tmp_path).stdout


def test_a_file_that_changes_meanwhile_stops_the_import(landlords: Database, tmp_path: Path) -> None:
    """What is sent is what was checked."""
    file = people(tmp_path, 60)

    def write(done: int) -> None:
        if done == 20:
            with file.open("a") as target:
                target.write("F61,L61,p61@example.test,\n")

    caller = Caller(LANDLORD, LANDLORD)
    with (
        pytest.raises(DbkitError, match="file changed while it was imported") as refused,
        open_csv(file) as rows,
        import_csv(landlords.conninfo, "rental.bulk_invite_tenants", rows, caller, chunk=10, progress=write),
    ):
        pass
    assert refused.value.hint
    assert scalar(landlords, "select count(*) from rental.tenants") == 20


def test_the_first_byte_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    """Wherever it is: among characters of several bytes, far behind the first block, at the end."""
    file = tmp_path / "latin.csv"
    start = b"\xef\xbb\xbfname\n" + "größe\n".encode() * 300_000
    for wrong in (b"caf\xe9\n", b"caf\xc3"):
        file.write_bytes(start + wrong)
        with pytest.raises(DbkitError) as refused, open_csv(file):
            pass
        assert f"byte {len(start) + 3} is no UTF-8" in (refused.value.detail or "")
    file.write_bytes(start)
    with open_csv(file) as rows:
        assert rows.count == 300_000


def test_a_row_with_a_null_character_costs_no_other(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 3)
    file.write_text(file.read_text().replace("F2", "F\0"))
    done = run(arguments(landlords, file), tmp_path)
    assert done.returncode == 1, done.stderr
    assert [(row["line"], row["error"]) for row in report(file) if row["error"]] == [
        ("3", "The row holds a null character.")
    ]
    assert scalar(landlords, "select count(*) from rental.tenants") == 2


def test_a_report_without_a_place_is_said_before_any_row_is_imported(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 3)
    file.with_name(f"{file.name}.report.csv").mkdir()
    done = run(arguments(landlords, file), tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no place for the report\ndetail: ") and "--report" in done.stderr
    assert scalar(landlords, "select count(*) from rental.tenants") == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device to write to")
def test_a_report_that_cannot_be_finished_does_not_hide_that_the_import_is_done(
    landlords: Database, tmp_path: Path
) -> None:
    file = people(tmp_path, 3)
    done = run(arguments(landlords, file, "--report", "/dev/full"), tmp_path)
    assert done.returncode == 2
    assert "error: the import is done, but its report cannot be written\ndetail: " in done.stderr
    assert "3 rows are imported, 0 were refused" in done.stderr
    again = run(arguments(landlords, file), tmp_path)
    assert again.returncode == 0 and "3 imported (3 by an earlier run)" in again.stdout


def test_another_chunk_would_import_rows_twice_and_is_refused(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 5)
    assert run(arguments(landlords, file, "--chunk", "2"), tmp_path).returncode == 0
    done = run(arguments(landlords, file), tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: this file was begun with another --chunk\ndetail: ")
    assert "\nhint: Give the same --chunk" in done.stderr
    assert "(5 by an earlier run)" in run(arguments(landlords, file, "--chunk", "2"), tmp_path).stdout


def test_two_files_go_through_one_transaction_pooler(landlords: Database, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    files = [people(tmp_path, 20), people(tmp_path / "other", 30)]
    with transaction_pooler(landlords.conninfo, servers=1) as through:
        for file in files:
            command = arguments(landlords, file, "--chunk", "2")
            command[command.index("--database") + 1] = through
            done = run(command, tmp_path)
            assert done.returncode < 2, done.stderr
    assert scalar(landlords, "select count(*) from rental.tenants") == 30


def test_what_stops_an_import_is_named_with_what_mends_it(
    landlords: Database, database: Database, tmp_path: Path
) -> None:
    file = people(tmp_path, 3)
    for more, target, error, hint in (
        (["--role", "nobody"], landlords, 'role "nobody" does not exist', "Name with --role"),
        ([], database, 'schema "core" does not exist', "dbkit migrate apply core"),
    ):
        done = run(arguments(target, file, *more), tmp_path)
        assert done.returncode == 2 and done.stderr.startswith(f"error: import stopped: {error}"), done.stderr
        assert "0 of 3 rows were through" in done.stderr
        assert hint in done.stderr


def test_who_may_not_and_what_is_none(landlords: Database, tmp_path: Path) -> None:
    file = people(tmp_path, 3)
    stranger = run(arguments(landlords, file, user=STRANGER), tmp_path)
    assert stranger.returncode == 2 and "PT403" in stranger.stderr
    assert scalar(landlords, "select count(*) from rental.tenants") == 0

    def through(function: str) -> subprocess.CompletedProcess[str]:
        command = arguments(landlords, file)
        return run([*command[:4], function, *command[5:]], tmp_path)

    for function, error in {
        "bulk": "error: no function name: bulk",
        "rental.bulk; drop table x": "error: no function name",
        "rental.nothing": "error: import stopped: function rental.nothing(jsonb) does not exist (42883)",
        "pg_catalog.jsonb_array_length": "error: pg_catalog.jsonb_array_length is no import function",
    }.items():
        done = through(function)
        assert done.returncode == 2 and done.stderr.startswith(error), done.stderr
        assert "hint: " in done.stderr
    assert run(arguments(landlords, file), tmp_path).returncode == 0


def test_a_limit_is_waited_for(landlords: Database, tmp_path: Path) -> None:
    with psycopg.connect(landlords.conninfo) as connection:
        connection.execute(
            "update core.rate_limit_policies set max_requests = 2, window_seconds = 2 where name = 'invites'"
        )
    began = time.monotonic()
    done = run(arguments(landlords, people(tmp_path, 5), "--chunk", "1"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert scalar(landlords, "select count(*) from rental.tenants") == 5
    assert time.monotonic() - began > 2, "five calls, of which two are allowed in two seconds"

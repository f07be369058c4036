"""Whatever is wrong with what dbkit is given: error, detail and hint on stderr, exit code 2, nothing half recorded.

Every refusal has its permitted twin, here or in the tests of the part that refuses: tests/migrate/test_apply.py
(edited, late, missing and cyclic files, transaction control, targets), test_errors.py (places and carets), test_lock.py
(second runner, poolers), test_files.py (headers, names, versions), tests/build/test_build_order.py (cycles of the
tree), tests/leak/test_model.py (names of the declaration), tests/postgres/test_dsn.py (servers that are not ours).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from command_line import DBKIT, REPO, dbkit, environment, json_error, refused

from dbkit.cli.failure import as_error
from dbkit.migrate.lock import LOCK_KEY
from dbkit.migrate.session import ConnectionLost, Interrupted, ServerError, Session
from dbkit.postgres import Database, Server

MIGRATION = """-- Migration: {name}
-- Description: the shop.
-- Author: test
-- Date: {name:.4}-{month}-{day}
-- Dependencies: none
-- Rollback: down section

-- migrate:up
{up}

-- migrate:down
drop schema if exists shop cascade;
"""
FIRST = "20260101000000_create_table_goods"
UP = "create schema shop;\ncreate table shop.goods (id bigint primary key);"


def write_migration(project: Path, name: str, up: str) -> Path:
    path = project / f"sql/migrations/shop/{name}.sql"
    path.write_text(MIGRATION.format(name=name, month=name[4:6], day=name[6:8], up=up), encoding="utf-8")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one module, declared and migrated alike."""
    (tmp_path / "dbkit.toml").write_text("[modules]\nshop = []\n\n[migrations]\nwait = 0.3\n")
    for kind in ("schema", "migrations"):
        (tmp_path / f"sql/{kind}/shop").mkdir(parents=True)
    (tmp_path / "sql/schema/shop/_module.sql").write_text("create schema shop;")
    (tmp_path / "sql/schema/shop/goods.sql").write_text("create table shop.goods (id bigint primary key);")
    write_migration(tmp_path, FIRST, UP)
    return tmp_path


def ledger(database: Database) -> dict[str, str] | None:
    """Version -> state, None where nothing was ever created."""
    with psycopg.connect(database.conninfo) as connection:
        row = connection.execute("select to_regclass('dbkit.migrations')").fetchone()
        if row == (None,):
            return None
        return dict(connection.execute("select version, state from dbkit.migrations").fetchall())


# -- names and versions that do not exist ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["migrate plan", "migrate apply", "migrate revert", "migrate status", "migrate verify", "migrate baseline",
     "migrate new", "drift", "leak"],
)  # fmt: skip
def test_unknown_module(project: Path, database: Database, command: str) -> None:
    (project / "tenancy.toml").write_text('[tenancy]\napp_roles = ["a"]\ncontext = ["select 1"]\n')
    on_database = command.startswith("migrate") and command != "migrate new"
    further = {"migrate new": ["title"], "leak": ["--tenancy", "tenancy.toml"]}.get(command, [])
    further += ["--database", database.conninfo] if on_database else []
    refused(dbkit(project, *command.split(), "shoop", *further), "unknown module: shoop", "shop")
    assert ledger(database) is None


@pytest.mark.parametrize("arguments", [["test", "nowhere"], ["lint", "nowhere"], ["seed", "--env", "nowhere"]])
def test_unknown_path_or_environment(project: Path, arguments: list[str]) -> None:
    done = dbkit(project, *arguments)
    assert done.returncode == 2 and "nowhere" in done.stderr and "hint: " in done.stderr


@pytest.mark.parametrize("module", [["shop"], []])
@pytest.mark.parametrize("action", ["plan", "apply", "revert", "baseline"])
def test_unknown_version(project: Path, database: Database, action: str, module: list[str]) -> None:
    arguments = ["migrate", action, *module, "--to", "99", "--database", database.conninfo]
    refused(dbkit(project, *arguments), "unknown version: 99")
    assert ledger(database) is None


def test_misspelt_command_and_option(project: Path) -> None:
    refused(dbkit(project, "migrat"), "unknown command: migrat", "hint: Did you mean dbkit migrate?")
    refused(dbkit(project, "xyzzy"), "unknown command: xyzzy", "migrate", "hint: Run: dbkit --help")
    refused(dbkit(project, "drift", "--oracel"), "no such option '--oracel'", "dbkit drift --help")


@pytest.mark.parametrize(("group", "command"), [([], "migrate"), (["migrate"], "apply"), (["cron"], "tick")])
def test_no_command(project: Path, group: list[str], command: str) -> None:
    refused(dbkit(project, *group), "missing command", command, f"hint: Run: {' '.join(['dbkit', *group])} --help")


# -- files that are wrong --------------------------------------------------------------------------------------------


def edit(project: Path) -> None:
    path = project / f"sql/migrations/shop/{FIRST}.sql"
    path.write_text(path.read_text().replace("bigint", "text"))


def add(name: str, content: str | bytes) -> Callable[[Path], None]:
    def change(project: Path) -> None:
        path = project / "sql/migrations/shop" / f"{name}.sql"
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            write_migration(project, name, content)

    return change


SECOND = "20260102000000_create_table_prices"
LATE = "20251231000000_create_table_late"
TWICE = "20260101000000_create_table_twice"
BROKEN = "create table shop.prices (\n    id integer,\n);"

# what is done to the folder after its first file was applied -> the error, and what else is said
FILES = {
    "edited": (edit, "migration shop/20260101000000 changed after it was applied", [FIRST, "git checkout"]),
    "removed": (
        lambda project: (project / f"sql/migrations/shop/{FIRST}.sql").unlink(),
        "applied migration has no file: shop/20260101000000",
        [FIRST],
    ),
    "duplicate": (add(TWICE, "select 1;"), "two migrations have version 20260101000000", [FIRST, TWICE]),
    "late": (add(LATE, "select 1;"), "", [FIRST, LATE]),
    "commit inside": (add(SECOND, "select 1;\ncommit;\nselect 2;"), "", [f"{SECOND}.sql:10"]),
    "syntax error": (
        add(SECOND, BROKEN),
        'migration shop/20260102000000 failed: syntax error at or near ")" (42601)',
        [f"{SECOND}.sql:11:1", "       11 | );\n          | ^", "rolled back"],
    ),
    "not UTF-8": (add(SECOND, b"select '\xe9';\n"), "file is not UTF-8", [f"{SECOND}.sql:1"]),
    "NUL byte": (add(SECOND, b"select 1;\nselect \0;\n"), "file holds a NUL byte", [f"{SECOND}.sql:2"]),
    "empty": (add(SECOND, b""), "", [f"{SECOND}.sql"]),
    "only comments": (add(SECOND, b"-- nothing\n"), "", [f"{SECOND}.sql"]),
    "bad name": (add("prices", "select 1;"), "", ["prices.sql"]),
    "folder with the name of a file": (
        lambda project: (project / f"sql/migrations/shop/{SECOND}.sql").mkdir(),
        "",
        [f"{SECOND}.sql"],
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_a_wrong_file_is_refused_and_the_ledger_stays(project: Path, database: Database, case: str) -> None:
    change, message, fragments = FILES[case]
    apply = ["migrate", "apply", "--database", database.conninfo]
    assert dbkit(project, *apply).returncode == 0
    before = ledger(database)
    change(project)
    done = dbkit(project, *apply)
    first = done.stderr.splitlines()[0] if done.stderr else ""
    refused(done, message or first.removeprefix("error: "), *fragments)
    assert ledger(database) == before == {"20260101000000": "applied"}


def test_marks_and_line_ends_of_windows_are_no_mistake(project: Path, database: Database) -> None:
    path = write_migration(project, SECOND, "create table shop.prices (id integer);")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    done = dbkit(project, "migrate", "apply", "--database", database.conninfo)
    assert done.returncode == 0, done.stderr
    assert ledger(database) == {"20260101000000": "applied", "20260102000000": "applied"}


@pytest.mark.parametrize("command", ["drift", "test"])
def test_cycle_in_the_declared_tree_names_both_files(project: Path, command: str) -> None:
    tree = project / "sql/schema/shop"
    (tree / "a.sql").write_text("create view shop.a as select * from shop.b;")
    (tree / "b.sql").write_text("create view shop.b as select * from shop.a;")
    (project / "tests/pgtap").mkdir(parents=True)
    (project / "tests/pgtap/t.sql").write_text("select 1;")
    done = dbkit(project, command)
    assert done.returncode == 2
    assert "a.sql" in done.stderr and "b.sql" in done.stderr and "hint: " in done.stderr


def test_syntax_error_in_the_declared_tree_has_its_caret(project: Path) -> None:
    (project / "sql/schema/shop/bad.sql").write_text("create table shop.bad (\n    id integer,\n);")
    done = dbkit(project, "drift")
    assert done.returncode == 2
    assert "bad.sql:3:1" in done.stderr
    assert "3 | );\n" in done.stderr and "  | ^" in done.stderr


@pytest.mark.parametrize(
    ("tenancy", "message", "near"),
    [
        ('app_roles = ["postgre"]', "app role does not exist: postgre", 'Did you mean "postgres"?'),
        ('app_roles = ["postgres"]\nshared = ["shop.good"]', "table does not exist: shop.good", '"shop.goods"'),
        ('app_role = ["postgres"]', "unknown tenancy setting: app_role", "app_roles"),
        ("app_roles = 1", "", "app_roles"),
    ],
)
def test_names_of_the_tenancy(project: Path, database: Database, tenancy: str, message: str, near: str) -> None:
    with psycopg.connect(database.conninfo) as connection:
        connection.execute(UP.encode())
    file = project / "tenancy.toml"
    file.write_text(f'[tenancy]\n{tenancy}\ncontext = ["select 1"]\n')
    done = dbkit(project, "leak", "--database", database.conninfo, "--tenancy", str(file))
    refused(done, message or done.stderr.splitlines()[0].removeprefix("error: "), near)


# -- the project file ------------------------------------------------------------------------------------------------

TOML = {
    "malformed": ("[modules\n", "cannot read", "line 1, column 9"),
    "unknown table": ("[migration]\n", "unknown setting in dbkit.toml: migration", "Did you mean migrations?"),
    "unknown key": ('[migrations]\ndirr = "x"\n', "unknown setting in dbkit.toml: dirr", "Did you mean dir?"),
    "table as value": ("modules = 3\n", "bad value in dbkit.toml: modules", "expected a table"),
    "text as list": ('[modules]\nshop = "core"\n', "bad value in dbkit.toml: modules.shop", "a list of strings"),
    "numbers in a list": ("[modules]\nshop = [1]\n", "bad value in dbkit.toml: modules.shop", "a list of strings"),
    "undeclared need": ('[modules]\nshop = ["core"]\n', "unknown module in dbkit.toml: core", "core = []"),
    "number as text": ("[project]\nsql = 3\n", "bad value in dbkit.toml: project.sql", "a string"),
    "empty text": ('[migrations]\ndir = ""\n', "bad value in dbkit.toml: migrations.dir", "not empty"),
    "text as number": ('[migrations]\nwait = "2s"\n', "bad value in dbkit.toml: migrations.wait", "a number"),
    "below zero": ("[migrations]\nwait = -1\n", "bad value in dbkit.toml: migrations.wait", "0 or more"),
    "not a whole number": (
        "[migrations]\nlock_retries = 1.5\n",
        "bad value in dbkit.toml: migrations.lock_retries",
        "",
    ),
    "yes as number": ("[postgres]\npool_size = true\n", "bad value in dbkit.toml: postgres.pool_size", ""),
    "no choice": ('[postgres]\nprovider = "podman"\n', "bad value in dbkit.toml: postgres.provider", "docker"),
    "no isolation": ("[core]\nisolation = 3\n", "bad value in dbkit.toml: core.isolation", "sealed"),
    "seeds": ('[seeds]\ntest = "test"\n', "bad value in dbkit.toml: seeds.test", "a list of strings"),
    "tenancy": ("tenancy = 1\n", "bad value in dbkit.toml: tenancy", "a table"),
    "lint": ("lint = 1\n", "bad value in dbkit.toml: lint", "a table"),
    "url": ('[database]\nurl = ["postgresql://ann:sesame@h/x"]\n', "bad value in dbkit.toml: database.url", "a string"),
    "no URL": ('[database]\nurl = "sesame"\n', "bad connection string", "postgresql://user@host"),
}


@pytest.mark.parametrize("case", TOML)
def test_project_file(tmp_path: Path, case: str) -> None:
    text, message, fragment = TOML[case]
    (tmp_path / "dbkit.toml").write_text(text)
    done = dbkit(tmp_path, "migrate", "status")
    refused(done, message if message != "cannot read" else f"cannot read {tmp_path}/dbkit.toml", fragment)
    assert "sesame" not in done.stderr


def test_project_file_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "dbkit.toml"
    refused(dbkit(tmp_path, "drift", "--config", "other.toml"), "project file not found: other.toml")
    file.write_bytes(b"\xff\xfe")
    refused(dbkit(tmp_path, "drift"), f"not UTF-8: {file}")
    file.write_bytes(b"\xef\xbb\xbf[migrations]\r\ndir = 'sql'\r\n")  # a mark of Windows is no mistake
    refused(dbkit(tmp_path, "drift"), "no such migrations folder: sql", "dbkit init")
    file.unlink()
    refused(dbkit(tmp_path, "docs"), "no modules declared", "Neither this folder nor one above it")


WRITE_A_REPORT = ["leak --html", "leak --emit", "lint --output", "test --junit", "deploy-check --save"]


@pytest.mark.parametrize("command", WRITE_A_REPORT)
def test_a_report_without_a_place_is_refused_before_the_work(tmp_path: Path, command: str) -> None:
    (tmp_path / "taken").write_text("")
    done = dbkit(tmp_path, *command.split(), "taken/report")
    refused(done, f"invalid value for '{command.split()[1]}'", "'taken' is no folder")
    assert (tmp_path / "taken").read_text() == "" and [*tmp_path.iterdir()] == [tmp_path / "taken"]


# -- databases that cannot be used -----------------------------------------------------------------------------------

TAKE_A_DATABASE = ["migrate status", "migrate apply", "bootstrap", "seed --env production", "drift", "leak", "test"]


@pytest.fixture(scope="module")
def guarded(server: Server) -> Iterator[str]:
    """The session's server with a login that needs a password; gives the folder of its socket."""
    host = str(psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"])
    rules = Path(host) / "data/pg_hba.conf"
    before = rules.read_text()
    server.admin("create role guarded_login login password 'sesame'")
    rules.write_text(f"local all guarded_login scram-sha-256\n{before}")
    server.admin("select pg_reload_conf()")
    try:
        yield host
    finally:
        rules.write_text(before)
        server.admin("select pg_reload_conf()")
        server.admin("drop role guarded_login")


UNREACHABLE = "cannot connect to the database|cannot reach the database to test"
# URL -> the error, and a word of the hint; {host} is the guarded server's socket folder
URLS = {
    "postgresql://ann:sesame@127.0.0.1:1/app": (UNREACHABLE, "127.0.0.1, port 1: ", "Check that the server runs"),
    "postgresql://ann:sesame@nowhere.invalid/app": (UNREACHABLE, "nowhere.invalid", "Correct the host"),
    "postgresql://guarded_login:sesame-wrong@/postgres?host={host}": (
        UNREACHABLE, "password authentication failed", "PGPASSWORD",
    ),
    "postgresql://guarded_login:sesame@/nowhere?host={host}": (
        UNREACHABLE, '"nowhere" does not exist', "createdb nowhere",
    ),
    "postgresql://nobody_here:sesame@/postgres?host={host}": (UNREACHABLE, "nobody_here", "Correct the user"),
    "sesame": ("bad connection string", "missing", "postgresql://user@host"),
    "host=127.0.0.1 password=sesame colour=red": ("bad connection string", '"colour"', "postgresql://user@host"),
    "postgresql://ann:sesame@[::1/app": ("bad connection string", "IPv6", "postgresql://user@host"),
    "postgresql://ann:open@sesame@127.0.0.1/app": ("bad connection string", "where its password ends", "%40"),
    "postgresql://ann:open/sesame@127.0.0.1/app": ("bad connection string", "where its password ends", "%2F"),
    "postgresql://ann@127.0.0.1:sesame/app": ("bad connection string", "port is no number", "%40"),
    "mysql://ann:sesame@127.0.0.1/app": ("bad connection string", "not begin with postgresql://", "postgresql://user@host"),
    "postgresql://ann:sesame@127.0.0.1/app?connect_timeout=soon": ("bad connection string", "connect_timeout", ""),
}  # fmt: skip


@pytest.mark.parametrize("url", URLS)
def test_no_command_gets_past_a_wrong_url_or_repeats_its_password(guarded: str, url: str) -> None:
    message, detail, hint = URLS[url]
    for command in TAKE_A_DATABASE:
        done = dbkit(REPO, *command.split(), "--database", url.format(host=guarded))
        assert done.returncode == 2, (command, done.stderr)
        assert any(done.stderr.startswith(f"error: {text}\n") for text in message.split("|")), (command, done.stderr)
        assert detail in done.stderr and hint in done.stderr, (command, done.stderr)
        assert "sesame" not in done.stderr + done.stdout, command


def test_the_password_that_is_right_lets_in(guarded: str, tmp_path: Path) -> None:
    (tmp_path / "1_one.sql").write_text("select 1;\n")
    url = f"postgresql://guarded_login:sesame@/postgres?host={guarded}"
    done = dbkit(tmp_path, "migrate", "plan", "--migrations", ".", "--database", url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 pending" in done.stdout


def test_the_password_reaches_no_line_of_doctor(guarded: str) -> None:
    for url in URLS:
        done = dbkit(REPO, "doctor", "--database", url.format(host=guarded))
        assert done.returncode in (1, 2)
        assert "sesame" not in done.stdout + done.stderr


def test_servers_that_may_not_be_used_for_disposable_databases(project: Path, server: Server) -> None:
    """Unlisted, without CREATEDB, unreachable; the twin that may be used."""
    host = str(psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"])
    settings = (project / "dbkit.toml").read_text() + '\n[postgres]\nprovider = "dsn"\ndisposable_hosts = ["{}"]\n'
    server.admin("create role bad_input_weak login")
    try:
        good = f"postgresql://postgres:sesame@/postgres?host={host}"
        weak = good.replace("postgres:", "bad_input_weak:", 1).replace(
            "postgresql://postgres", "postgresql://bad_input_weak"
        )
        for listed, url, message, hint in [
            ("db.example.com", good, f"server is not listed as disposable: {host}", f'disposable_hosts = ["{host}"]'),
            (host, weak, "role may not create databases: bad_input_weak", 'alter role "bad_input_weak" createdb'),
            (host, good.replace(host, "/nowhere"), "cannot reach the server of the dsn provider", "DBKIT_POSTGRES_URL"),
            (host, "sesame", "bad connection string", "postgresql://user@host"),
        ]:
            (project / "dbkit.toml").write_text(settings.format(listed))
            done = dbkit(project, "drift", DBKIT_POSTGRES_URL=url)
            refused(done, message, hint)
            assert "sesame" not in done.stderr
        (project / "dbkit.toml").write_text(settings.format(host))
        done = dbkit(project, "drift", DBKIT_POSTGRES_URL=good)
        assert done.returncode == 0, done.stderr
    finally:
        server.admin("drop role bad_input_weak")


def test_second_runner_names_the_first(project: Path, database: Database) -> None:
    apply = ["migrate", "apply", "--database", database.conninfo]
    with psycopg.connect(database.conninfo, application_name="night deploy", autocommit=True) as first:
        first.execute(f"select pg_advisory_lock({LOCK_KEY})".encode())
        done = dbkit(project, *apply)
        refused(done, "another dbkit run holds the migration lock", "night deploy", f"pid {first.info.backend_pid}")
        assert ledger(database) is None
        first.execute("select pg_advisory_unlock_all()")  # not as late as its session ends
    assert dbkit(project, *apply).returncode == 0


def test_role_that_is_not_there_is_refused_before_anything_is_written(project: Path, database: Database) -> None:
    with (project / "dbkit.toml").open("a") as file:
        file.write('role = "nobody_owns_this"\n')
    apply = ["migrate", "apply", "--database", database.conninfo]
    refused(dbkit(project, *apply), "role nobody_owns_this does not exist", "hint: Run: dbkit bootstrap --database URL")
    assert ledger(database) is None


# -- errors for programs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nothing", "unknown command: nothing"),
        ("migrate nothing", "no such command 'nothing'"),
        ("drift --nothing", "no such option '--nothing'"),
        ("drift nothing", "unknown module: nothing"),
        ("migrate plan nothing --database {db}", "unknown module: nothing"),
        ("migrate apply nothing --database {db}", "unknown module: nothing"),
        ("migrate status --database host=/nowhere", "cannot connect to the database"),
        ("leak nothing", "no tenancy is declared"),
        ("test nothing", "test path not found: nothing"),
        ("lint nothing", "no such file or folder: nothing"),
        ("seed --env nothing", "unknown environment: nothing"),
        ("bootstrap --database host=/nowhere", "nothing to bootstrap"),
        ("doctor --config nothing", "project file not found: nothing"),
        ("docs --config nothing", "project file not found: nothing"),
        ("init .", "dbkit.toml exists already"),
    ],
)
@pytest.mark.parametrize("option", ["--format json", "--format=json"])
def test_json_errors(project: Path, database: Database, arguments: str, message: str, option: str) -> None:
    words = [word.format(db=database.conninfo) if "{" in word else word for word in arguments.split()]
    done = dbkit(project, *words, *option.split())
    document = json_error(done)
    assert done.returncode == 2
    assert message in document["error"], document
    assert document["hint"]


def test_json_of_a_run_that_fails_half_way_says_what_was_done(project: Path, database: Database) -> None:
    write_migration(project, SECOND, "select 1 / 0;")
    done = dbkit(project, "migrate", "apply", "--database", database.conninfo, "--format", "json")
    document = json_error(done)
    assert done.returncode == 2
    assert "22012" in document["error"]
    assert [item["version"] for item in document["done"]] == ["20260101000000"]
    edit(project)
    plan = json_error(dbkit(project, "migrate", "plan", "--database", database.conninfo, "--format", "json"))
    assert [problem["message"] for problem in plan["problems"]] == [plan["error"]]


def test_text_is_no_json(project: Path) -> None:
    done = dbkit(project, "drift", "nothing", "--format", "text")
    refused(done, "unknown module: nothing")


# -- pipes and terminals ---------------------------------------------------------------------------------------------


def closed_pipe() -> int:
    """The writing end of a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.parametrize("arguments", ["lint --rules", "lint --rules --format markdown", "--help", "doctor", "drift x"])
def test_a_reader_that_has_gone_is_no_crash_and_no_finding(project: Path, arguments: str) -> None:
    pipe = closed_pipe()
    done = subprocess.run(
        [*DBKIT, *arguments.split()], cwd=project, env=environment(), stdout=pipe, stderr=subprocess.PIPE, text=True
    )
    os.close(pipe)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert done.returncode in ((0, 2) if arguments != "doctor" else (0, 1, 2))


def test_migrations_go_on_when_nobody_reads_any_more(tmp_path: Path, database: Database) -> None:
    for number in range(1, 8):
        (tmp_path / f"{number}_t.sql").write_text(f"create table t{number} (); select pg_sleep(0.05);\n")
    pipe = closed_pipe()
    done = subprocess.run(
        [*DBKIT, "migrate", "apply", "--migrations", ".", "--database", database.conninfo],
        cwd=tmp_path, env=environment(), stdout=pipe, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(pipe)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(ledger(database) or {}) == 7


def on_terminal(folder: Path, *arguments: str, **changes: str) -> str:
    """What a command writes to a terminal."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*DBKIT, *arguments], cwd=folder, env=environment(**{"TERM": "xterm", **changes}), stdin=theirs, stdout=theirs,
        stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:
        pass  # Linux says EIO when the last writer has closed
    process.wait(timeout=60)
    os.close(ours)
    return written.decode()


@pytest.fixture
def tests_of(project: Path) -> Path:
    """The project with a test that fails and one that passes."""
    (project / "tests/pgtap").mkdir(parents=True)
    for name, ok in (("good", "true"), ("bad", "false")):
        (project / f"tests/pgtap/{name}.sql").write_text(
            f"begin;\nselect plan(1);\nselect ok({ok}, 'x');\nselect * from finish();\nrollback;\n"
        )
    return project


def test_colours_and_redrawing_only_where_they_are_wanted(tests_of: Path) -> None:
    assert "\x1b[32m" in on_terminal(tests_of, "test")
    assert "\x1b[K" in on_terminal(tests_of, "test")
    assert "\x1b[3" not in on_terminal(tests_of, "test", NO_COLOR="1")
    assert "\x1b" not in on_terminal(tests_of, "test", TERM="dumb")
    assert "\x1b" not in on_terminal(tests_of, "drift", TERM="dumb")
    done = dbkit(tests_of, "test")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr


def test_a_console_that_knows_only_ascii(project: Path, database: Database) -> None:
    (project / "dbkit.toml").write_text('[modules]\n"shöp" = []\n')
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    refused(dbkit(project, "drift", **ascii_only), "module without SQL: sh")
    (project / "1_prüfung.sql").write_text("select 1;\n")
    done = dbkit(project, "migrate", "plan", "--migrations", ".", "--database", database.conninfo, **ascii_only)
    assert done.returncode == 0, done.stderr
    assert "main/1_pr\\xfcfung" in done.stdout


# -- machines that are full, small or closed -------------------------------------------------------------------------


@contextmanager
def small_disk(size: str) -> Iterator[Path]:
    """A file system of this size; skipped by name where it cannot be mounted."""
    path = Path(tempfile.mkdtemp(prefix="small-", dir="/tmp"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", path], capture_output=True
    )
    try:
        if mounted.returncode:
            pytest.skip("no right to mount a small file system")
        yield path
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", path], check=True)
        path.rmdir()


@pytest.mark.parametrize("command", ["test", "drift", "seed --env production", "leak"])
def test_disk_that_is_too_small_for_a_server(command: str) -> None:
    with small_disk("8m") as disk:
        done = dbkit(REPO, *command.split(), DBKIT_RUN_DIR=str(disk))
        assert list(disk.iterdir()) == []
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot copy the saved cluster to ")
    assert "No space left on device" in done.stderr and "DBKIT_RUN_DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 3


def test_disk_that_fills_up_while_the_demo_runs() -> None:
    with small_disk("72m") as disk:
        done = dbkit(REPO, "demo", DBKIT_RUN_DIR=str(disk))
        assert list(disk.iterdir()) == []
    assert done.returncode == 2
    # a page of which only the beginning found room is told in other words
    assert re.search(r"No space left on device|wrote only \d+ of \d+ bytes", done.stderr) and "hint: " in done.stderr


def test_shared_memory_that_is_too_small_is_passed_over(tests_of: Path) -> None:
    script = 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"'
    within = ("unshare", "--mount", "sh", "-c", script, "sh")
    if subprocess.run([*within, "true"], capture_output=True).returncode:
        pytest.skip("no right to unshare the mount namespace")
    done = dbkit(tests_of, "test", "-k", "good", within=within)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def ordinary() -> tuple[str, ...]:
    """A program that runs another as an ordinary account; empty where we are one."""
    if os.geteuid() != 0:
        return ()
    within = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv: install util-linux")
    if subprocess.run([*within, *DBKIT, "--version"], cwd="/", capture_output=True).returncode:
        pytest.skip("another account cannot run this Python or read this checkout")
    return within


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that another account can read; pytest closes its own to others whenever a session begins."""
    folder = Path(tempfile.mkdtemp(prefix="ordinary-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def open_project(tests_of: Path, readable: Path) -> Path:
    """The project where another account can read it and write nothing."""
    project = Path(shutil.copytree(tests_of, readable / "project"))
    project.chmod(0o755)
    return project


@pytest.fixture
def writable(readable: Path) -> Path:
    """A folder that any account may write to."""
    folder = readable / "writable"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def test_an_ordinary_account_works_in_a_folder_it_may_not_write(
    open_project: Path, ordinary: tuple[str, ...], writable: Path
) -> None:
    where = {"HOME": str(writable), "DBKIT_CACHE_DIR": None, "XDG_CACHE_HOME": None}
    for command in ("test -k good", "drift", "lint --profile recommended"):
        done = dbkit(open_project, *command.split(), within=ordinary, **where)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    if ordinary:
        for command in ("init new", "docs", "migrate new shop title", "test -k good --junit report.xml"):
            done = dbkit(open_project, *command.split(), within=ordinary, **where)
            assert done.returncode == 2, (command, done.stderr)
            assert "hint: " in done.stderr
    closed = open_project / f"sql/migrations/shop/{FIRST}.sql"
    closed.chmod(0)
    if ordinary:
        done = dbkit(open_project, "lint", "--profile", "recommended", within=ordinary, **where)
        assert done.returncode == 2
        assert FIRST in done.stderr and "Permission denied" in done.stderr
        (open_project / "dbkit.toml").chmod(0)
        refused(
            dbkit(open_project, "drift", within=ordinary, **where),
            f"cannot read {open_project}/dbkit.toml",
            "Permission denied",
        )


def test_an_account_without_a_home(open_project: Path, ordinary: tuple[str, ...], writable: Path) -> None:
    if not ordinary:
        pytest.skip("only root can become an account without a home")
    nowhere = {"DBKIT_CACHE_DIR": None, "XDG_CACHE_HOME": None}
    for home in (None, "/nonexistent", "/proc"):
        done = dbkit(open_project, "drift", within=ordinary, HOME=home, **nowhere)
        refused(done, "cannot start a disposable server", "DBKIT_CACHE_DIR")
    done = dbkit(open_project, "drift", within=ordinary, HOME=None, DBKIT_CACHE_DIR=str(writable))
    assert done.returncode == 0, done.stderr


def test_home_is_not_needed_by_root(project: Path) -> None:
    done = dbkit(project, "drift", HOME=None)
    assert done.returncode == 0, done.stderr


def test_two_runs_in_one_checkout(tests_of: Path) -> None:
    runs = [
        subprocess.Popen(
            [*DBKIT, "test", "-k", "good", "--format", "tap"], cwd=tests_of, env=environment(), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for run in runs:
        out, err = run.communicate(timeout=300)
        assert (run.returncode, err) == (0, ""), out


# -- what nobody thought of ------------------------------------------------------------------------------------------


def test_a_defect_is_exit_code_2_and_named(project: Path) -> None:
    script = (
        "import sys, dbkit.cli, dbkit.cli.drift as drift\n"
        "def broken(**_): raise ValueError('password=sesame postgresql://a:sesame@h/x')\n"
        "drift.drift.callback = broken\n"
        "dbkit.cli.main(['drift', '--format', 'json'])\n"
    )
    command = [DBKIT[0], "-c", script]
    done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: internal error: ValueError: password=*** postgresql://a:***@h/x\n")
    assert "DBKIT_DEBUG=1" in done.stderr and "Traceback" not in done.stderr
    assert json_error(done)["error"].startswith("internal error")
    assert "sesame" not in done.stdout + done.stderr
    debugged = subprocess.run(command, cwd=project, env=environment(DBKIT_DEBUG="1"), capture_output=True, text=True)
    assert "Traceback" in debugged.stderr


OUTPUTS = {
    "full": ("> /dev/full", 2),
    "closed": (">&-", 0),
    "both full": ("> /dev/full 2> /dev/full", 2),
    "errors nowhere": ("2>&-", 0),
}


@pytest.mark.parametrize("output_format", ["text", "json"])
@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_that_takes_nothing_is_no_finding(core_db: Database, output: str, output_format: str) -> None:
    """Exit code 1 would mean findings; what is closed on purpose is no error."""
    if not Path("/dev/full").exists():
        pytest.skip("no full device to write to")
    streams, expected = OUTPUTS[output]
    command = f'exec "$0" -m dbkit cron list --format {output_format} {streams}'
    done = subprocess.run(
        ["sh", "-c", command, DBKIT[0]], cwd=REPO, env=environment(DBKIT_DATABASE_URL=core_db.conninfo),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (expected, False), done.stderr


def test_a_session_that_is_lost_or_interrupted_is_no_defect_of_ours(core_db: Database) -> None:
    """Commands that only look, such as deploy-check, let what happens to their session through."""
    with pytest.raises(ServerError) as refusal, Session.connect(core_db.conninfo) as session:
        session.run("select 1/0")
    assert str(as_error(refusal.value)).startswith("error: the server refused a statement (22012)\ndetail: division by")
    with pytest.raises(ConnectionLost) as loss, Session.connect(core_db.conninfo) as session:
        session.run("select pg_terminate_backend(pg_backend_pid())")
    assert str(as_error(loss.value)).startswith("error: connection to the server was lost\ndetail: ")
    assert as_error(Interrupted()).message == "interrupted"

"""The native engine prints what psql prints, byte for byte, and ends with psql's exit code."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest

from dbkit.postgres import Server, Template
from dbkit.tap.engine import NeedsCare, run_file
from dbkit.tap.psql_variables import NeedsPsql

FILES = sorted((Path(__file__).parent / "conformance").glob("*.sql"))
PGTAP_MANUAL = Path("/usr/share/doc/pgtap/pgtap.html")


@pytest.fixture(scope="session")
def psql(server: Server) -> str:
    beside = server.bin_dir / "psql" if server.bin_dir else None
    found = str(beside) if beside and beside.is_file() else shutil.which("psql")
    if found is None:
        pytest.skip("psql is not installed")
    return found


def both(psql: str, template: Template, path: Path, *, quick: bool = False) -> tuple[tuple[str, int], tuple[str, int]]:
    """Standard output and exit code of psql and of the native engine, each on a fresh clone."""
    with template.clone() as clone:
        command = [psql, "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", clone.conninfo, "-f", str(path)]
        done = subprocess.run(command, capture_output=True, check=False)
        expected = _without_names(done.stdout.decode(), clone.name)
    with template.clone() as clone, psycopg.connect(clone.conninfo, autocommit=True) as connection:
        try:
            transcript = run_file(connection, path, quick=quick)
        except NeedsCare:
            return both(psql, template, path)
    return (expected, done.returncode), (_without_names(transcript.output, clone.name), transcript.exit_code)


def _without_names(output: str, clone: str) -> str:
    """Output without what differs from one session to the next."""
    return re.sub(r"\bpg_(toast_)?temp_\d+", "pg_temp", output.replace(clone, "clone"))


@pytest.mark.parametrize("quick", [False, True], ids=["each", "together"])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_native_output_equals_psql(psql: str, pgtap_template: Template, path: Path, quick: bool) -> None:
    expected, got = both(psql, pgtap_template, path, quick=quick)
    assert got[0].splitlines() == expected[0].splitlines()
    assert got[1] == expected[1]


def test_native_output_equals_psql_on_the_examples_of_the_pgtap_manual(
    psql: str, pgtap_template: Template, tmp_path: Path
) -> None:
    if not PGTAP_MANUAL.is_file():
        pytest.skip("the pgTAP manual is not installed")
    import pglast

    examples = []
    for block in re.findall(r"<pre[^>]*>(.*?)</pre>", PGTAP_MANUAL.read_text(), re.DOTALL):
        text = html.unescape(re.sub(r"<[^>]+>", "", block)).rstrip().rstrip(";")
        try:
            if pglast.parse_sql(text):
                examples.append(text)
        except pglast.parser.ParseError:
            continue
    assert len(examples) > 100
    head = "\\set ON_ERROR_STOP off\n\\set ON_ERROR_ROLLBACK on\nbegin;\nselect no_plan();\n"
    path = tmp_path / "manual.sql"
    path.write_text(head + "\n;\n".join(examples) + "\n;\nselect * from finish();\nrollback;\n")
    expected, got = both(psql, pgtap_template, path)
    assert got[0].splitlines() == expected[0].splitlines()
    assert got[1] == expected[1]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("\\copy t from 'file'\n", "\\copy"),
        ("select 1 \\gexec\n", "\\gexec"),
        ("\\! true\n", "\\!"),
        ("\\connect postgres\n", "\\connect"),
        ("\\o /dev/null\n", "\\o"),
        ("\\set ECHO all\n", "\\set ECHO all"),
        ("\\set AUTOCOMMIT off\n", "\\set AUTOCOMMIT off"),
        ("\\pset format aligned\n", "\\pset format aligned"),
        ("\\a\n", "\\a"),
        ("\\set x `date`\n", "backticks"),
        ("select 1\n\\set x 1\n, 2;\n", "\\set inside a statement"),
        ("\\i |cat\n", "\\i of a command"),
    ],
)
def test_what_only_psql_does_is_named(
    connection: psycopg.Connection[tuple[object, ...]], tmp_path: Path, text: str, command: str
) -> None:
    path = tmp_path / "foreign.sql"
    path.write_text("select 'before';\n" + text)
    with pytest.raises(NeedsPsql, match=re.escape(command)):
        run_file(connection, path)


def test_notices_and_the_place_of_an_error_inside_a_long_statement(
    connection: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    path = tmp_path / "t.sql"
    path.write_text("do $$ begin raise notice 'hello'; end $$;\n\nselect 1,\n  2,\n  nonsense;\nselect 3;\n")
    transcript = run_file(connection, path, display="t.sql")
    errors = [line.text for line in transcript.lines if line.channel == "err"]
    assert errors[0] == "psql:t.sql:1: NOTICE:  hello"
    (failure,) = transcript.failures
    assert (str(failure.place), failure.sqlstate) == ("t.sql:5", "42703")
    assert (transcript.output, transcript.exit_code) == ("", 3)


def test_every_line_has_the_place_of_its_statement(
    connection: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    (tmp_path / "_part.sql").write_text("\nselect 'included';\n")
    path = tmp_path / "t.sql"
    path.write_text("select 1;\n\n\nselect\n  2;\n\\ir _part.sql\nselect 'last'")
    transcript = run_file(connection, path, display="t.sql")
    assert [(line.text, str(line.place).split("/")[-1]) for line in transcript.lines] == [
        ("1", "t.sql:1"),
        ("2", "t.sql:4"),
        ("included", "_part.sql:2"),
        ("last", "t.sql:7"),
    ]


def test_bytes_that_are_not_utf8_reach_the_server_unchanged(
    connection: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    path = tmp_path / "latin.sql"
    path.write_bytes(b"\\encoding latin1\nselect '\xe4', octet_length('\xe4');\n")
    transcript = run_file(connection, path)
    assert transcript.output.encode("utf-8", "surrogateescape") == b"\xe4|2\n"


def test_a_file_that_creates_pgtap_itself_finds_it_not_there(
    source: object, run_files: object, write: object, connection: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    path = write("t.sql", "begin;\ncreate extension pgtap;\nselect plan(1);\nselect pass();\nrollback;\n")  # type: ignore[operator]
    (result,) = run_files(path)  # type: ignore[operator]
    assert result.passed, result.problems
    # without that courtesy the statement fails
    assert run_file(connection, path).exit_code == 3


def test_windows_line_ends(psql: str, pgtap_template: Template, tmp_path: Path) -> None:
    path = tmp_path / "crlf.sql"
    path.write_bytes(
        b"\xef\xbb\xbf\\set x 'a b'\r\nbegin;\r\nselect :'x', E'line\nend'; -- comment\r\n"
        b"create temp table t (a int);\r\ncopy t from stdin;\r\n1\r\n2\r\n\\.\r\n"
        b"select 'two\r\nlines', sum(a) from t;\r\n"
        b"\\if true\r\n\\echo yes\r\n\\endif\r\nrollback;\r\n"
    )
    expected, got = both(psql, pgtap_template, path)
    assert got == expected
    assert "yes" in got[0]

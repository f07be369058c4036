"""Every format of `dbkit leak` through the real command: complete, valid, and pointing at what is to be mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from leak_schema import TENANCY, execute, tenancy_file

from dbkit.postgres import Database
from dbkit.report import Evidence, Finding, Location, Report, Severity

Run = Callable[..., tuple[int, str, str]]

# No row can be made in it, so nothing about it can be shown.
IMPOSSIBLE = """
    create table app.sealed (
        tenant_id uuid not null references app.tenants (id), n int not null check (n > 1 and n < 1)
    );
    alter table app.sealed enable row level security, force row level security;
    create policy own on app.sealed to leak_app using (tenant_id = (select app.tenant()));
    grant select on app.sealed to leak_app
"""
BREAK = "alter policy own_delete on app.invoices using (true)"


@pytest.fixture
def broken(clean: Database) -> Database:
    """The clean schema with one leak: DELETE reaches every tenant's invoices."""
    execute(clean.conninfo, BREAK)
    return clean


def validated(text: str) -> dict[str, Any]:
    """A SARIF log that the official schema's model takes, as plain values."""
    from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Log

    Log.model_validate_json(text)
    log: dict[str, Any] = json.loads(text)
    return log


def test_sarif_is_valid_and_points_at_the_declaration(run: Run, broken: Database, tenancy: Path) -> None:
    code, out, _ = run("--database", broken.conninfo, "--tenancy", str(tenancy), "--format", "sarif")
    assert code == 1
    (sarif_run,) = validated(out)["runs"]
    results = {result["ruleId"]: result for result in sarif_run["results"]}
    leak = results["foreign_rows_deletable"]
    assert leak["level"] == "error"
    assert "delete from app.invoices" in leak["message"]["text"]
    (place,) = leak["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "tenancy.toml"
    assert place["logicalLocations"] == [{"fullyQualifiedName": "app.invoices"}]
    rules = sarif_run["tool"]["driver"]["rules"]
    assert rules[leak["ruleIndex"]]["id"] == "foreign_rows_deletable"
    # What holds is no result.
    assert "path_holds" not in results


def test_a_clean_run_is_a_valid_log_without_errors(run: Run, clean: Database, tenancy: Path) -> None:
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "sarif")
    assert code == 0
    (sarif_run,) = validated(out)["runs"]
    assert {result["level"] for result in sarif_run["results"]} <= {"note"}
    assert sarif_run["properties"]["summary"]["holds"] >= 320


def test_junit_fails_leaks_and_passes_what_holds(run: Run, broken: Database, tenancy: Path) -> None:
    code, out, _ = run("--database", broken.conninfo, "--tenancy", str(tenancy), "--format", "junit")
    assert code == 1
    root = ElementTree.fromstring(out)
    suite = next(suite for suite in root if suite.get("name") == "app.invoices")
    failed = [case for case in suite if case.find("failure") is not None]
    leak = next(case for case in failed if "DELETE on app.invoices as leak_app crosses" in str(case.get("name")))
    assert "witness: " in str(leak.findtext("failure"))
    passed = [case for case in suite if len(case) == 0]
    assert any("SELECT on app.invoices as leak_app stays inside" in str(case.get("name")) for case in passed)
    assert int(str(root.get("failures"))) == len(root.findall(".//failure"))


def test_unverified_is_a_junit_error_not_a_pass(run: Run, clean: Database, tenancy: Path) -> None:
    execute(clean.conninfo, IMPOSSIBLE)
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "junit")
    assert code == 2
    root = ElementTree.fromstring(out)
    assert root.get("failures") == "0"
    errors = [case.get("name") for case in root.iter("testcase") if case.find("error") is not None]
    assert errors and all("app.sealed" in str(name) for name in errors)


def test_gitlab_lists_what_is_wrong_with_stable_fingerprints(run: Run, broken: Database, tenancy: Path) -> None:
    lists = []
    for _ in range(2):
        _, out, _ = run("--database", broken.conninfo, "--tenancy", str(tenancy), "--format", "gitlab")
        lists.append(json.loads(out))
    first, second = lists
    assert [issue["fingerprint"] for issue in first] == [issue["fingerprint"] for issue in second]
    assert len({issue["fingerprint"] for issue in first}) == len(first)
    leak = next(issue for issue in first if issue["check_name"] == "foreign_rows_deletable")
    assert leak["severity"] == "critical"
    assert leak["location"]["path"] == "tenancy.toml"


def test_github_points_at_the_declaration(run: Run, broken: Database, tenancy: Path) -> None:
    code, out, _ = run("--database", broken.conninfo, "--tenancy", str(tenancy), "--format", "github")
    assert code == 1
    line = next(line for line in out.splitlines() if "title=foreign_rows_deletable" in line)
    assert line.startswith("::error file=tenancy.toml,line=1,")


def test_github_points_at_the_guard_sheet_of_a_project(run: Run, clean: Database, tmp_path: Path) -> None:
    """A database given by URL, and a project whose tree declares the object: the file is what is to be mended."""
    execute(clean.conninfo, BREAK)
    sheet = tmp_path / "sql/policies/app/invoices.sql"
    table = tmp_path / "sql/schema/app/invoices.sql"
    for file, text in (
        (table, "-- Invoices.\n\ncreate table app.invoices (id uuid primary key);\n"),
        (sheet, "-- Who may see invoices.\n\nalter table app.invoices enable row level security;\n"),
    ):
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "dbkit.toml").write_text(
        f"[modules]\napp = []\n\n[tenancy]\napp_roles = {json.dumps(TENANCY['app_roles'])}\n"
        f"context = {json.dumps(TENANCY['context'])}\n",
        encoding="utf-8",
    )
    _, out, _ = run("--database", clean.conninfo, "--format", "github")
    line = next(line for line in out.splitlines() if "title=foreign_rows_deletable" in line)
    assert line.startswith("::error file=sql/policies/app/invoices.sql,line=3,")


def test_output_gets_the_format_and_the_terminal_the_text(
    run: Run, broken: Database, tenancy: Path, tmp_path: Path
) -> None:
    file = tmp_path / "made" / "leak.sarif"
    code, out, _ = run(
        "--database", broken.conninfo, "--tenancy", str(tenancy), "--format", "sarif", "--output", str(file)
    )
    assert code == 1
    assert "error: DELETE on app.invoices as leak_app crosses tenants" in out
    assert validated(file.read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_an_output_that_cannot_be_written_is_an_error(run: Run, clean: Database, tenancy: Path) -> None:
    tenancy.with_name("file").write_text("", encoding="utf-8")
    code, _, err = run(
        "--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "json", "--output", "file/leak.json"
    )
    assert code == 2
    assert err.startswith("error: invalid value for '--output': 'file/leak.json' cannot be written")
    assert "hint: " in err


def test_json_is_the_findings_shape_and_nothing_else(run: Run, broken: Database, tenancy: Path) -> None:
    _, out, _ = run("--database", broken.conninfo, "--tenancy", str(tenancy), "--format", "json")
    report = json.loads(out)
    assert set(report) == {"command", "server", "summary", "findings"}
    shape = {"rule", "class", "severity", "verdict", "object", "location", "message", "detail", "hint", "evidence"}
    assert all(set(finding) == shape for finding in report["findings"])
    assert all(
        finding["evidence"] is None or set(finding["evidence"]) == {"sql", "witness", "control"}
        for finding in report["findings"]
    )


def test_extension_owned_objects_are_left_out_by_name(run: Run, clean: Database, tenancy: Path) -> None:
    execute(clean.conninfo, "create extension pg_stat_statements")
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy))
    assert code == 0
    assert "left out, owned by extensions: public.pg_stat_statements, public.pg_stat_statements_info" in out
    _, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--format", "json")
    report = json.loads(out)
    assert report["summary"]["left_out"] == ["public.pg_stat_statements", "public.pg_stat_statements_info"]
    assert "public.pg_stat_statements" not in {finding["object"] for finding in report["findings"]}


def test_the_terminal_says_on_demand_why_each_command_holds(run: Run, clean: Database, tenancy: Path) -> None:
    _, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--verbose")
    lines = out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("app.invoices "))
    why = [line.strip() for line in lines[at + 1 : at + 9] if line.startswith("    ")]
    assert "SELECT, COPY TO: the own rows only (by own_select)" in why
    assert "UPDATE: the own rows only (by own_update)" in why


def test_what_tables_share_is_said_once_and_what_is_not_granted_is_named(
    run: Run, clean: Database, tenancy: Path
) -> None:
    execute(
        clean.conninfo,
        """
        create table app.ledgers (tenant_id uuid not null references app.tenants (id), id uuid primary key);
        alter table app.ledgers enable row level security, force row level security;
        create policy own on app.ledgers to leak_app using (tenant_id = (select app.tenant()));
        revoke delete on app.invoices from leak_app;
        """,
    )
    code, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy))
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "leak_app (scope default): 9 context states each, - is no grant"
    invoices = next(line for line in lines if line.startswith("app.invoices "))
    assert invoices.split() == ["app.invoices", *["9", "hold"] * 3, "-", *["9", "hold"] * 4]
    (folded,) = [line for line in lines if line.startswith("no grant  ")]
    named = folded.partition(": ")[2].split(", ")
    assert "app.ledgers" in named and folded.startswith(f"no grant  {len(named)} table")
    assert not any(line.startswith("app.ledgers ") for line in lines)
    assert any(line.startswith("why       SELECT, ") and line.endswith(": the own rows only") for line in lines)
    assert any("own_{select,insert,update" in line and "app.invoices" in line for line in lines)
    _, out, _ = run("--database", clean.conninfo, "--tenancy", str(tenancy), "-v")
    ledgers = next(line for line in out.splitlines() if line.startswith("app.ledgers "))
    assert ledgers.split() == ["app.ledgers", *["no", "grant"] * 8]


def test_what_does_not_hold_is_explained_below_its_table(run: Run, broken: Database, tenancy: Path) -> None:
    _, out, _ = run("--database", broken.conninfo, "--tenancy", str(tenancy))
    lines = out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("app.invoices "))
    assert " LEAK" in lines[at]
    assert lines[at + 1].startswith("    DELETE")


def test_a_report_in_a_file_has_no_colours(
    run: Run, broken: Database, tenancy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click._compat.should_strip_ansi", lambda *_: False)  # as on a terminal
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    file = tmp_path / "leak.txt"
    _, out, _ = run("--database", broken.conninfo, "--tenancy", str(tenancy), "--output", str(file))
    assert "\x1b[31m\x1b[1m" in out
    assert "\x1b" not in file.read_text(encoding="utf-8")


# The writers by themselves


def a_report(*findings: Finding) -> Report:
    return Report("lint", list(findings))


def test_writers_keep_what_is_hard_to_write() -> None:
    from dbkit.output import FORMATS, render

    finding = Finding(
        "odd_name",
        "50% of <that> & \x07 this",
        location=Location("sql/a, b:c.sql", 3, 7),
        hint="Two\nlines.",
        evidence=Evidence(sql="select 'é';"),
    )
    for name in FORMATS:
        assert render(a_report(finding), name)
    assert render(a_report(finding), "github") == (
        "::error file=sql/a%2C b%3Ac.sql,line=3,col=7,title=odd_name::50%25 of <that> & \x07 this%0ATwo%0Alines."
    )
    case = ElementTree.fromstring(render(a_report(finding), "junit")).find(".//testcase")
    assert case is not None and (case.get("file"), case.get("line")) == ("sql/a, b:c.sql", "3")
    place = validated(render(a_report(finding), "sarif"))["runs"][0]["results"][0]["locations"][0]
    assert place["physicalLocation"]["region"] == {"startLine": 3, "startColumn": 7}


def test_nothing_found_is_still_a_document() -> None:
    from dbkit.output import render

    assert validated(render(a_report(), "sarif"))["runs"][0]["results"] == []
    assert json.loads(render(a_report(), "gitlab")) == []
    assert ElementTree.fromstring(render(a_report(), "junit")).get("tests") == "1"
    assert render(a_report(), "github") == ""


def test_a_finding_below_the_threshold_passes() -> None:
    from dbkit.output import render

    report = Report("lint", [Finding("small", "small", Severity.WARNING)], threshold=Severity.ERROR)
    assert ElementTree.fromstring(render(report, "junit")).get("failures") == "0"
    report.threshold = Severity.WARNING
    assert ElementTree.fromstring(render(report, "junit")).get("failures") == "1"


def test_tenancy_file_lines_are_found(run: Run, clean: Database, tmp_path: Path) -> None:
    execute(clean.conninfo, BREAK)
    file = tenancy_file(tmp_path, **{key: TENANCY[key] for key in ("app_roles", "context")})
    file.write_text(file.read_text() + '[tenancy.tables]\n"app.invoices" = "tenant_id"\n', encoding="utf-8")
    _, out, _ = run("--database", clean.conninfo, "--tenancy", str(file), "--format", "github")
    line = next(line for line in out.splitlines() if "title=foreign_rows_deletable" in line)
    assert "file=tenancy.toml,line=5," in line

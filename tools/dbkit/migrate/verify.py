"""Judge a database's ledger: against the files, against itself, against the catalog."""

from __future__ import annotations

import sys
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import EXIT_CLEAN, EXIT_FINDINGS
from dbkit.migrate import ledger
from dbkit.migrate.files import show_path
from dbkit.migrate.layouts import Folder, discover
from dbkit.migrate.plan import Problem, choose_line, make_plan
from dbkit.migrate.session import Session, connect
from dbkit.report import Finding, Location, Report, Severity, emit_json, finish

__all__ = ["check", "status", "verify"]


def verify(conninfo: str, config: Config, *, module: str | None, migrations: Path | None, output_format: str) -> None:
    """Print every finding and leave: 0 clean, 1 findings. Pending migrations are no finding."""
    folder = discover(config, folder=migrations, line=module)
    line = choose_line(folder, module)
    with connect(conninfo, config) as session:
        report = check(session, folder, line)
    applied, pending = report.summary["applied"], report.summary["pending"]
    finish(report, output_format, closing=[f"{applied} applied, {pending} pending, {len(report.findings)} findings"])


def check(session: Session, folder: Folder, line: str | None = None) -> Report:
    """Compare ledger, files and catalog of one database."""
    rows = ledger.read(session)
    plan = make_plan(folder, rows, line=line)
    report = Report("migrate verify", server=session.value("select current_setting('server_version')"))
    report.findings += [_finding(problem) for problem in plan.problems]
    for row in rows.values():
        if row.state == "partial" and (line is None or row.line == line):
            steps = ledger.read_steps(session, row.line, row.version, "up")
            done = sum(step.state == "done" for step in steps)
            report.findings.append(
                Finding(
                    "half_done_migration",
                    f"migration {row.line}/{row.version} is half done",
                    object=f"{row.line}/{row.version}",
                    detail=f"{done} of its steps are done, {len(steps) - done} started, the rest not begun.",
                    hint="Go on with: dbkit migrate apply",
                )
            )
    report.findings += [_invalid_index(name, table) for name, table in _invalid(session)]
    report.summary = {
        "layout": folder.layout,
        "applied": sum(row.applied for row in rows.values()),
        "pending": len(plan.pending),
    }
    return report


def status(conninfo: str, config: Config, *, module: str | None, migrations: Path | None, output_format: str) -> None:
    """Print one row a migration and leave: 0, or 1 when ledger and files disagree or a file is half done."""
    folder = discover(config, folder=migrations, line=module)
    line = choose_line(folder, module)
    with connect(conninfo, config) as session:
        rows = ledger.read(session)
    plan = make_plan(folder, rows, line=line)
    table = _table(folder, rows, line)
    pending = len(plan.pending)
    applied = sum(row["state"] in ledger.APPLIED_STATES for row in table)
    problems = [problem.message for problem in plan.problems]
    problems += [f"migration {row['line']}/{row['version']} is half done" for row in table if row["state"] == "partial"]
    if output_format == "json":
        emit_json(
            {
                "command": "migrate status",
                "layout": folder.layout,
                "summary": {"applied": applied, "pending": pending},
                "migrations": table,
                "problems": problems,
            }
        )
    else:
        _print_table(table)
        for path, reason in folder.ignored:
            print(f"note: {show_path(path)} is not run: {reason}", file=sys.stderr)
        for message in problems:
            print(f"problem: {message}")
        print(f"{applied} applied, {pending} pending ({folder.layout} layout)")
    sys.exit(EXIT_FINDINGS if problems else EXIT_CLEAN)


def _table(
    folder: Folder, rows: dict[tuple[str, str], ledger.Row], line: str | None
) -> list[dict[str, str | int | None]]:
    table: list[dict[str, str | int | None]] = []
    seen = set()
    for migration in folder.migrations:
        if line is not None and migration.line != line:
            continue
        key = (migration.line, migration.version)
        seen.add(key)
        row = rows.get(key)
        table.append(
            {
                "line": migration.line,
                "version": migration.version,
                "name": migration.name,
                "state": row.state if row else "pending",
                "applied_at": row.applied_at if row and row.state != "reverted" else None,
                "applied_by": row.applied_by if row and row.state != "reverted" else None,
                "execution_ms": row.execution_ms if row else None,
            }
        )
    for key, row in rows.items():
        if key not in seen and row.state != "reverted" and (line or row.line) == row.line and row.line in folder.lines:
            table.append(
                {
                    "line": row.line,
                    "version": row.version,
                    "name": row.name,
                    "state": "file missing",
                    "applied_at": row.applied_at,
                    "applied_by": row.applied_by,
                    "execution_ms": row.execution_ms,
                }
            )
    return table


def _print_table(table: list[dict[str, str | int | None]]) -> None:
    titles = [f"{row['line']}/{row['version']}{'_' + str(row['name']) if row['name'] else ''}" for row in table]
    width = max(map(len, titles), default=0)
    print(
        "\n".join(
            f"{title:<{width}}  {row['state']!s:<12}  {row['applied_at'] or ''}".rstrip()
            for title, row in zip(titles, table, strict=True)
        )
    )


def _invalid(session: Session) -> list[tuple[str, str]]:
    from dbkit.migrate.concurrent import invalid_indexes

    return invalid_indexes(session)


def _invalid_index(name: str, table: str) -> Finding:
    return Finding(
        "invalid_index",
        f"index is INVALID: {name}",
        object=name,
        detail=f"It slows writes to {table} and serves no query; a CREATE INDEX CONCURRENTLY failed.",
        hint=f"drop index concurrently {name}; then build it again.",
    )


def _finding(problem: Problem) -> Finding:
    migration = problem.migration
    return Finding(
        problem.rule,
        problem.message,
        severity=Severity.ERROR,
        object=str(migration) if migration else None,
        location=Location(show_path(migration.path)) if migration else None,
        detail=problem.detail,
        hint=problem.hint,
    )

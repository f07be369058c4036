"""Each command with the login it is meant for, none of them a superuser, and with one that may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from operators_shell import Shell

from dbkit.config import Config
from dbkit.postgres import Database, Server


@pytest.fixture
def as_login(config: Config, server: Server, core_db: Database) -> Callable[[str], Shell]:
    """dbkit on a copy of core, as a login."""
    return lambda login: Shell(config, server.conninfo(core_db.name, user=login))


@pytest.fixture
def monitor(core_db: Database) -> Iterator[str]:
    """A login as a dashboard has it."""
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute("create role tests_monitor login in role app_monitor")
        yield "tests_monitor"
        admin.execute("drop role tests_monitor")


def test_the_login_that_migrates_runs_the_schedule(as_login: Callable[[str], Shell], core_db: Database) -> None:
    with psycopg.connect(core_db.conninfo, autocommit=True) as admin:
        admin.execute("delete from core.cron_jobs where name <> 'evaluate-alerts'")
        admin.execute(
            "select core.put_cron_job('vacuum-users', '* * * * *', 'vacuum (analyze) core.users', 'core', '', 'bare')"
        )
        admin.execute("update core.cron_jobs set created_at = now() - interval '1 day'")
    shell = as_login("dbkit_migrator")
    ran = shell.json("cron", "tick")["runs"]
    assert [(run["name"], run["ok"]) for run in ran] == [("evaluate-alerts", True), ("vacuum-users", True)]
    assert len(shell.json("cron", "list")["jobs"]) == 2
    assert {job["action"] for job in shell.json("cron", "sync")["jobs"]} == {"kept as data"}
    assert shell("cron", "run", "evaluate-alerts").returncode == 0
    assert shell("health").stdout.startswith("healthy\n"), "the schedule speaks"


@pytest.mark.parametrize(
    "command", [["cron", "list"], ["cron", "tick"], ["cron", "run", "job-purge"], ["cron", "sync"]]
)
def test_an_application_login_has_no_schedule(as_login: Callable[[str], Shell], command: list[str]) -> None:
    done = as_login("app_login_a")(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert "permission denied" in done.stderr
    assert "\nhint: Connect as dbkit_migrator" in done.stderr


def test_any_login_asks_for_health_and_learns_states_only(as_login: Callable[[str], Shell]) -> None:
    done = as_login("app_login_a")("health")
    assert done.returncode == 1, "nothing runs the schedule of a fresh database"
    states = dict(line.split() for line in done.stdout.splitlines() if line.startswith("    "))
    assert states == {
        "cache": "healthy", "cron": "unhealthy", "database": "healthy", "migrations": "healthy", "queue": "healthy",
    }  # fmt: skip
    assert done.stdout.endswith("\nsee why: dbkit cron list\n")
    document = as_login("app_login_b").json("health")
    assert (document["status"], document["code"], document["services"]) == ("degraded", 503, states)


def test_a_dashboard_sees_every_panel_and_no_table_of_a_tenant(
    as_login: Callable[[str], Shell], server: Server, core_db: Database, monitor: str
) -> None:
    panels = as_login(monitor).json("top", "--once")["panels"]
    assert [name for name, panel in panels.items() if panel["problem"]] == ["queries"]  # no pg_stat_statements here
    assert as_login(monitor)("cron", "list").returncode == 0
    assert as_login(monitor)("cron", "run", "job-purge").returncode == 2, "it looks and does not run"
    with psycopg.connect(server.conninfo(core_db.name, user=monitor), autocommit=True) as connection:
        for table in ("core.users", "core.error_events", "core.jobs_ready", "rental.tickets"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select from {table}".encode())

"""An installation from its migrations and seeds, with its schedule at work, is what its ledger says."""

from __future__ import annotations

import psycopg
from operators_shell import Shell

from dbkit.config import Config
from dbkit.ops import cron
from dbkit.postgres import Database


def test_a_schedule_at_work_is_no_drift(config: Config, database: Database) -> None:
    shell = Shell(config, database.conninfo)
    for command in (["bootstrap"], ["migrate", "apply"], ["seed", "--env", "production"]):
        done = shell(*command)
        assert done.returncode == 0, done.stderr
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        for job in cron.jobs(connection):
            if job.runs:
                assert cron.run(connection, job.name).ok, job.name
    drift = shell("drift")
    assert drift.returncode == 0, drift.stdout

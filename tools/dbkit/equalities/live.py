"""Equality 3: a live database is what its ledger says was applied to it. The live database is only read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from dbkit import drift, groundwork, source
from dbkit.catalog import TOOL_SCHEMAS, Role, Snapshot, Table, snapshot, with_role_renamed, without_privilege
from dbkit.config import Config
from dbkit.equalities.common import Outcome, fresh_database, lines_of
from dbkit.errors import DbkitError
from dbkit.migrate import ledger, runner
from dbkit.migrate.files import show_path
from dbkit.migrate.layouts import Folder, discover
from dbkit.migrate.plan import make_plan
from dbkit.postgres import Database, Server, open_server
from dbkit.postgres.binaries import find_binaries
from dbkit.report import Finding, Location, Severity

if TYPE_CHECKING:
    from dbkit.migrate.ledger import Row

__all__ = ["live_equals_migrations", "read_ledger", "without_ungranted_bypass"]

_ADVICE = drift.Advice(
    missing="Somebody dropped it by hand: create it again, or write the migration that drops it.",
    extra="Somebody made it by hand: drop it, or write the migration that makes it.",
    differs="Somebody changed it by hand: change it back, or write the migration that says so.",
)


def live_equals_migrations(
    server: Server,
    config: Config,
    conninfo: str,
    modules: Sequence[str] | None = None,
    *,
    ignore: Collection[str] = (),
) -> Outcome:
    """Equality 3: a live database is what its ledger says was applied to it.

    Args:
        conninfo: the live database; it is only read.
        modules: modules to compare, schema by schema; None takes the whole database.
        ignore: schemas that others look after, such as those of a hosting platform.

    Raises:
        DbkitError: it cannot be reached, has no ledger, or the migrations do not replay.
    """
    outcome = Outcome("database = migrations up to its ledger")
    folder = discover(config)
    lines = lines_of(config, folder, modules)
    rows, live_runner = read_ledger(conninfo, config)
    recorded = [row for row in rows.values() if row.line in lines and row.state != "reverted"]
    outcome.findings += _ledger_findings(folder, rows, recorded)
    applied = {(row.line, row.version) for row in recorded if row.applied}
    if any(finding.rule in ("applied_file_missing", "half_done_migration") for finding in outcome.findings):
        outcome.skipped = "its ledger cannot be replayed"
        return outcome
    schemas = None if modules is None else source.module_order(config, modules)
    ignored = {*TOOL_SCHEMAS, *ignore}
    live = snapshot(conninfo, schemas, ignore=ignored)
    with (
        _same_major(server, config, live) as replaying,
        fresh_database(replaying, config, modules) as database,
        _borrowed_roles(database, live) as borrowed,
    ):
        if applied:  # an empty ledger replays to an empty database
            runner.apply(database.conninfo, config, only=applied, allow_late=True)
        expected = snapshot(database.conninfo, schemas, ignore=ignored)
        our_runner = read_ledger(database.conninfo, config)[1] if applied else None
    borrowed |= groundwork.platform_roles(config)
    if our_runner and live_runner and our_runner != live_runner:
        # Who runs migrations differs between the two servers; what that role owns does not.
        expected = with_role_renamed(expected, our_runner, live_runner)
        borrowed |= {live_runner}
    oldest = min(taken.database.server_version_num for taken in (expected, live))
    expected, live = (_as_of(oldest, _without_roles(taken, borrowed)) for taken in (expected, live))
    live = _without_seeded_jobs(live, expected)
    live, expected = _without_turnover(live, expected), _without_turnover(expected, live)
    outcome.checked = sum(1 for _ in drift.entries(expected))
    expected, notes = without_ungranted_bypass(expected, live)
    outcome.findings += notes
    found = drift.compare(expected, live, left="the migrations", right="the database", advice=_ADVICE)
    outcome.findings += [_soften(finding) for finding in found]
    outcome.findings += _other_major(expected, live)
    return outcome


@contextmanager
def _same_major(server: Server, config: Config, live: Snapshot) -> Iterator[Server]:
    """A disposable server of the live server's major, since majors print definitions differently.

    The one at hand where it fits, else one from other programs on this machine, else the one at hand all the same.
    """
    major = live.database.server_version_num // 10000
    if server.version_num // 10000 != major:
        for binaries in find_binaries(config):
            if binaries.major == major and not binaries.missing(config.postgres.extensions):
                chosen = replace(config.postgres, provider="local", bin=str(binaries.bin_dir))
                with open_server(replace(config, postgres=chosen)) as other:
                    yield other
                return
    yield server


def _without_seeded_jobs(live: Snapshot, expected: Snapshot) -> Snapshot:
    """Without the rows of core.cron_jobs that no migration wrote: they come from seeds, as all reference rows do."""
    kept = {
        key: job for key, job in live.cron_jobs.items() if job.source != "core.cron_jobs" or key in expected.cron_jobs
    }
    return replace(live, cron_jobs=kept)


def _without_turnover(taken: Snapshot, other: Snapshot) -> Snapshot:
    """Without partitions that the other side lacks, of tables both have: jobs make and drop them as time goes by.

    One that is less guarded than its table stays: it was made by hand, and rows can be read past the table in it.
    """

    def comes_and_goes(key: str, table: Table) -> bool:
        parent = taken.tables.get(table.inherits[0]) if table.inherits else None
        return (
            table.is_partition
            and table.partition_bound != "DEFAULT"
            and key not in other.tables
            and parent is not None
            and table.inherits[0] in other.tables
            and (table.row_security, table.force_row_security) == (parent.row_security, parent.force_row_security)
        )

    return replace(taken, tables={key: table for key, table in taken.tables.items() if not comes_and_goes(key, table)})


def _as_of(version_num: int, taken: Snapshot) -> Snapshot:
    """Without what servers older than the snapshot's own have no name for."""
    own = taken.database.server_version_num
    if version_num < 170000 <= own:
        taken = without_privilege(taken, "MAINTAIN")
    if version_num < 180000 <= own:
        tables = {}
        for key, table in taken.tables.items():
            named = {name: item for name, item in table.constraints.items() if item.kind != "not null"}
            tables[key] = replace(table, constraints=named)
        taken = replace(taken, tables=tables)
    return taken


def read_ledger(conninfo: str, config: Config) -> tuple[dict[tuple[str, str], Row], str | None]:
    """The ledger's rows and the role that owns it: the one that runs the migrations.

    Raises:
        DbkitError: the database cannot be reached or has no ledger.
    """
    with runner.connect(conninfo, config) as session:
        if ledger.check_version(session) is None:
            raise DbkitError(
                "the database has no migration ledger",
                detail="dbkit compares a live database with the migrations its ledger says were applied.",
                hint="Run dbkit migrate apply, or dbkit migrate baseline where the schema is already there.",
            )
        owner = session.value("select pg_get_userbyid(relowner) from pg_class where oid = 'dbkit.migrations'::regclass")
        return ledger.read(session), owner


def _ledger_findings(folder: Folder, rows: dict[tuple[str, str], Row], recorded: Sequence[Row]) -> list[Finding]:
    lines = {row.line for row in recorded}
    findings = [
        Finding(
            problem.rule,
            problem.message,
            object=str(problem.migration) if problem.migration else None,
            location=Location(show_path(problem.migration.path)) if problem.migration else None,
            detail=problem.detail,
            hint=problem.hint,
        )
        for problem in make_plan(folder, rows, allow_late=True).problems
        if problem.migration is None or problem.migration.line in lines
    ]
    findings += [
        Finding(
            "half_done_migration",
            f"migration {row.line}/{row.version} is half done",
            object=f"{row.line}/{row.version}",
            hint="Finish it first: dbkit migrate apply",
        )
        for row in recorded
        if not row.applied
    ]
    return findings


# Where other runners record what they applied; a database that was taken over keeps it.
_OTHER_LEDGERS = re.compile(
    r"(?:table|sequence) \S+\.(?:schema_migrations|goose_db_version|flyway_schema_history|_prisma_migrations"
    r"|__diesel_schema_migrations)(?:_id_seq)?"
)


def _soften(finding: Finding) -> Finding:
    """What is as it should be although no migration says it.

    Which version of an extension there is comes from the server's packages, and another runner's ledger from that one.
    """
    if finding.rule == "differs" and (finding.object or "").startswith("extension "):
        changed = set(finding.message.rpartition(": ")[2].split(", "))
        if changed <= {"version", "comment"}:
            return finding._replace(
                severity=Severity.NOTE, hint="Run: alter extension … update, if it should be equal."
            )
    if finding.rule == "extra_in_database" and _OTHER_LEDGERS.fullmatch(finding.object or ""):
        return finding._replace(
            severity=Severity.NOTE,
            detail=None,
            hint="It is the ledger of another runner: drop it once nobody needs it.",
        )
    return finding


def without_ungranted_bypass(expected: Snapshot, live: Snapshot) -> tuple[Snapshot, list[Finding]]:
    """Roles that bypass row security, but not where the host lets nobody grant that: a note, for less is open."""
    lacking = {
        name: replace(role, bypass_rls=False)
        for name, role in expected.roles.items()
        if role.bypass_rls and name in live.roles and not live.roles[name].bypass_rls
    }
    notes = [
        Finding(
            "cannot_bypass_rls",
            "may bypass row security by the migrations, and may not in the database",
            severity=Severity.NOTE,
            object=f"role {name}",
            hint=f"Where the host has a superuser, let it run: alter role {name} bypassrls; "
            "else dump with the host's own backup.",
        )
        for name in lacking
    ]
    return replace(expected, roles={**expected.roles, **lacking}), notes


def _other_major(expected: Snapshot, live: Snapshot) -> list[Finding]:
    ours, theirs = (taken.database.server_version_num // 10000 for taken in (expected, live))
    if ours == theirs:
        return []
    return [
        Finding(
            "server_versions_differ",
            f"the database runs PostgreSQL {theirs}, the migrations were replayed on {ours}",
            severity=Severity.NOTE,
            detail="Majors print some definitions differently, so a difference in text alone may not be one.",
            hint=f"Install PostgreSQL {theirs} on this machine, or name its programs with DBKIT_PG_BIN.",
        )
    ]


@contextmanager
def _borrowed_roles(database: Database, live: Snapshot) -> Iterator[set[str]]:
    """Create the roles that migrations may name and no bootstrap file makes, such as a hosting platform's.

    Yields their names: they are the live server's own, so they are not compared. They go away with the database.
    """
    server = database.server
    known = {name for (name,) in server.admin("select rolname from pg_roles")}
    wanted = {role.name for role in live.roles.values() if role.referenced and not role.name.startswith("pg_")}
    missing = sorted(wanted - known)
    for name in missing:
        server.admin(f"create role {_quoted(name)}")
    try:
        yield set(missing)
    finally:
        if missing:
            server.drop_database(database.name)
            for name in missing:
                server.admin(f"drop role {_quoted(name)}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _without_roles(taken: Snapshot, names: Collection[str]) -> Snapshot:
    def kept(role: Role) -> Role:
        return replace(role, referenced=False) if role.name in names else role

    return replace(taken, roles={name: kept(role) for name, role in taken.roles.items()})

"""What the database remembers of its migrations: schema `dbkit`, owned by the runner, needed by nothing else.

One row a migration in `dbkit.migrations`, one row a statement of files that cannot be one transaction in
`dbkit.migration_steps`. The ledger carries its own version, so a newer dbkit upgrades it in place and an older one
refuses to write to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from dbkit import __version__
from dbkit.errors import DbkitError
from dbkit.migrate.session import ServerError, Session

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = [
    "APPLIED_STATES",
    "DURATION",
    "LEDGER_VERSION",
    "START_CLOCK",
    "Row",
    "StepRow",
    "check_version",
    "ensure",
    "read",
    "read_steps",
    "record",
    "record_reverted",
]

# States in which a migration counts as applied. The others: partial (a file without a transaction stopped on its way
# up), reverting (the same on its way down), reverted.
APPLIED_STATES = frozenset({"applied", "baseline"})

_CREATE = """
create schema dbkit;
comment on schema dbkit is 'Ledger of the migration runner; not part of the application.';

create table dbkit.ledger (
    only_row   boolean     not null default true primary key check (only_row),
    version    integer     not null,
    changed_at timestamptz not null default now()
);
comment on table dbkit.ledger is 'One row: the version of the tables in this schema.';
insert into dbkit.ledger (version) values (1);

create table dbkit.migrations (
    line           text        not null,
    version        text        not null,
    name           text        not null,
    checksum       text        not null,
    depends_on     text[]      not null default '{}',
    transactional  boolean     not null default true,
    state          text        not null,
    applied_by     text        not null default session_user,
    applied_at     timestamptz not null default clock_timestamp(),
    execution_ms   bigint      not null default 0,
    rolled_back_at timestamptz,
    tool_version   text        not null,
    position       bigint      not null generated always as identity,
    primary key (line, version),
    constraint migrations_state_known check (state in ('applied', 'baseline', 'partial', 'reverting', 'reverted')),
    constraint migrations_reverted_iff_rolled_back check ((state = 'reverted') = (rolled_back_at is not null))
);
comment on table dbkit.migrations is 'One row a migration; position is the order in which they were applied.';
comment on column dbkit.migrations.checksum is 'sha256 of the bytes of the file.';
comment on column dbkit.migrations.state is
    'partial and reverting: a file without a transaction stopped half-way, see migration_steps.';

create table dbkit.migration_steps (
    line        text        not null,
    version     text        not null,
    direction   text        not null check (direction in ('up', 'down')),
    step        integer     not null check (step > 0),
    checksum    text        not null,
    statement   text        not null,
    state       text        not null check (state in ('started', 'done')),
    started_at  timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    indexes     oid[]       not null default '{}',
    primary key (line, version, direction, step),
    foreign key (line, version) references dbkit.migrations (line, version) on delete cascade,
    constraint migration_steps_done_iff_finished check ((state = 'done') = (finished_at is not null))
);
comment on table dbkit.migration_steps is
    'One row a statement of a file that cannot be one transaction; a crash resumes at the first that is not done.';
comment on column dbkit.migration_steps.checksum is 'sha256 of the text of the statement.';
comment on column dbkit.migration_steps.indexes is
    'Indexes the table had before a CREATE INDEX CONCURRENTLY without a name, to find the one it left behind.';
"""

# Version n of the ledger becomes n + 1 by running _UPGRADES[n]. Version 1 is what _CREATE makes.
_UPGRADES: dict[int, str] = {}
LEDGER_VERSION = 1 + len(_UPGRADES)

# Sent at the beginning of a file's transaction. now() will not do: transactions in one query string share it.
START_CLOCK = "select set_config('dbkit.started', clock_timestamp()::text, true);"
_ELAPSED = (
    "(extract(epoch from clock_timestamp() - coalesce(nullif(current_setting('dbkit.started', true), '')::timestamptz,"
    " now())) * 1000)::bigint"
)

# Name of the one column that `record` returns: the duration in milliseconds.
DURATION = "dbkit_milliseconds"

# One value for the whole ledger: a thousand rows of a dozen values fetched one by one cost more than the query.
_READ = """
select json_agg(json_build_array(
           line, version, name, checksum, depends_on, transactional, state, applied_by,
           to_char(applied_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), execution_ms,
           to_char(rolled_back_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), position
       ) order by position)
from dbkit.migrations
"""


class Entry(Protocol):
    """What the ledger wants to know of a migration; `files.Migration` fits."""

    @property
    def line(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def checksum(self) -> str: ...
    @property
    def depends_on(self) -> tuple[str, ...]: ...
    @property
    def transactional(self) -> bool: ...


class Row(NamedTuple):
    """One migration as the database remembers it.

    Attributes:
        depends_on: `line/version` of what it declared to need.
        applied_at: UTC, `2026-01-31T12:00:00Z`.
        rolled_back_at: the same, None unless reverted.
        position: orders rows by when they were applied.
    """

    line: str
    version: str
    name: str
    checksum: str
    depends_on: list[str]
    transactional: bool
    state: str
    applied_by: str
    applied_at: str
    execution_ms: int
    rolled_back_at: str | None
    position: int

    @property
    def applied(self) -> bool:
        return self.state in APPLIED_STATES


@dataclass(frozen=True, slots=True)
class StepRow:
    """One statement of a file that cannot be one transaction. `indexes` holds oids, see the column's comment."""

    step: int
    checksum: str
    state: str
    indexes: tuple[str, ...]


def ensure(connection: Session | Connection[Any], role: str | None = None) -> None:
    """Create the ledger, or bring it to this version, in one transaction. Does nothing where it is up to date.

    Args:
        connection: a session or a psycopg connection, outside a failed transaction.
        role: owner of the ledger, so that every login that may act as this role can keep it; None leaves it with
            the login role. A role that the server does not know, or that the login may not become, is passed over.

    Raises:
        DbkitError: the login may not create the schema, or a newer dbkit made the ledger.
    """
    session = Session.of(connection)
    version = check_version(session)
    if version == LEDGER_VERSION:
        return
    if version is None:
        script = _as_who_may_create(session) + _CREATE + _give_to(session, role)
    else:
        script = "".join(_UPGRADES[step] for step in range(version, LEDGER_VERSION))
        script += f"update dbkit.ledger set version = {LEDGER_VERSION}, changed_at = now();"
    try:
        session.run(script)
    except ServerError as error:
        # 42P06, 42P07, 23505: another runner was faster, or somebody has a schema of that name.
        if error.sqlstate not in ("42P06", "42P07", "23505"):
            raise _cannot_create(error) from None
        if check_version(session) is None:
            raise DbkitError(
                "schema dbkit exists but holds no migration ledger",
                detail="dbkit keeps its ledger in a schema of its own name.",
                hint="Rename the other schema: alter schema dbkit rename to …",
            ) from None


def check_version(connection: Session | Connection[Any]) -> int | None:
    """The version of the ledger, None where the database has none.

    Raises:
        DbkitError: a newer dbkit made it, or the login may not read it.
    """
    session = Session.of(connection)
    try:
        found = session.value("select to_regclass('dbkit.ledger')")
        version = session.value("select version from dbkit.ledger") if found else None
    except ServerError as error:
        raise DbkitError(
            "cannot read the migration ledger",
            detail=f"{error}.",
            hint="Connect as the login that migrates, or as a member of the role that owns schema dbkit.",
        ) from None
    if version is not None and int(version) > LEDGER_VERSION:
        raise DbkitError(
            "the migration ledger was made by a newer dbkit",
            detail=f"Its version is {version}; this dbkit knows version {LEDGER_VERSION}.",
            hint="Upgrade: pip install --upgrade pg-dbkit",
        )
    return None if version is None else int(version)


def read(connection: Session | Connection[Any]) -> dict[tuple[str, str], Row]:
    """(line, version) -> Row, in the order of application; empty where the database has no ledger."""
    session = Session.of(connection)
    if check_version(session) is None:
        return {}
    rows = map(Row._make, json.loads(session.value(_READ) or "[]"))
    return {(row.line, row.version): row for row in rows}


def read_steps(session: Session, line: str, version: str, direction: str) -> list[StepRow]:
    """The recorded statements of one file, first to last. `direction` is up or down."""
    rows = session.rows(
        "select step, checksum, state, array_to_string(indexes, ' ') from dbkit.migration_steps"
        f" where line = {session.literal(line)} and version = {session.literal(version)}"
        f" and direction = {session.literal(direction)} order by step"
    )
    return [
        StepRow(int(step or 0), checksum or "", state or "", tuple((indexes or "").split()))
        for step, checksum, state, indexes in rows
    ]


def record(session: Session, entry: Entry, state: str, milliseconds: int | None = None, *, is_new: bool = False) -> str:
    """The statement that writes a migration's row.

    Args:
        state: applied, baseline, partial or reverting.
        milliseconds: how long it took; None counts from START_CLOCK, sent before the file.
        is_new: the ledger has no row of this migration; a plain insert costs the server half as much.
    """
    duration = _ELAPSED if milliseconds is None else str(milliseconds)
    depends_on = f"string_to_array({session.literal(' '.join(entry.depends_on))}, ' ')" if entry.depends_on else "'{}'"
    values = ", ".join(
        (
            *map(session.literal, (entry.line, entry.version, entry.name, entry.checksum)),
            depends_on,
            "true" if entry.transactional else "false",
            session.literal(state),
            session.literal(__version__),
            duration,
        )
    )
    insert = (
        "insert into dbkit.migrations (line, version, name, checksum, depends_on, transactional, state, tool_version,"
        f" execution_ms) values ({values})"
    )
    returning = f" returning execution_ms as {DURATION}"
    if is_new:
        return insert + returning
    return (
        insert
        + (
            " on conflict (line, version) do update set name = excluded.name, checksum = excluded.checksum,"
            " depends_on = excluded.depends_on, transactional = excluded.transactional, state = excluded.state,"
            " tool_version = excluded.tool_version, applied_by = session_user, applied_at = clock_timestamp(),"
            " rolled_back_at = null, execution_ms = excluded.execution_ms, position = default"
        )
        + returning
    )


def record_reverted(session: Session, line: str, version: str) -> str:
    """The statement that marks a migration as reverted."""
    return (
        "update dbkit.migrations set state = 'reverted', rolled_back_at = now()"
        f" where line = {session.literal(line)} and version = {session.literal(version)}"
    )


def _as_who_may_create(session: Session) -> str:
    """Stay the current role if it may create a schema, else become the login itself until the script ends."""
    may = session.value("select has_database_privilege(current_database(), 'create')")
    return "" if may == "t" else "set local role none;"


def _give_to(session: Session, role: str | None) -> str:
    if role is None:
        return ""
    known = session.value(
        f"select pg_has_role(session_user, oid, 'member') from pg_roles where rolname = {session.literal(role)}"
    )
    if known != "t":
        return ""
    owner = session.identifier(role)
    return f"alter schema dbkit owner to {owner};" + "".join(
        f"alter table dbkit.{table} owner to {owner};" for table in ("ledger", "migrations", "migration_steps")
    )


def _cannot_create(error: ServerError) -> DbkitError:
    hint = "Check the state of the server and run the command again."
    if error.sqlstate == "42501":
        hint = "As a superuser run: grant create on database … to the migrating role. dbkit bootstrap does it too."
    return DbkitError("cannot create the migration ledger", detail=f"{error}.", hint=hint)

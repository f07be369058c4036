"""SIDE-04: what triggers and functions send with NOTIFY, received by a listener of another tenant.

LISTEN has no access control, so a payload reaches everybody who may run SQL. Notifications go out at commit: the
victim's write is committed on the disposable copy and the touched tables are put back as they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from dbkit.leak.checks.functions.caller import Caller
from dbkit.leak.checks.functions.catalog import Routine, Routines
from dbkit.leak.checks.functions.stand import OPTIONS, Stand
from dbkit.leak.checks.functions.triggers import firing_statements
from dbkit.leak.checks.subject import NEEDS_SQL
from dbkit.leak.contexts import own_context
from dbkit.leak.paths import LEAK
from dbkit.leak.replica import AS_REPLICA
from dbkit.leak.rows import ATTACKER, VICTIM
from dbkit.leak.values import SECRET
from dbkit.report import Evidence, Finding, Severity
from dbkit.tenancy.relations import Table

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["check_notify"]

_CHANNEL = re.compile(r"Async_Notify\((.*)\)")
# Notifications arrive in the order of the commits: what is not there when this one comes was not sent.
_LAST = "dbkit_leak_last"
_WAIT = 30.0  # seconds it is waited for
_TOUCHED = """
select c.oid::regclass::text,
    (select string_agg(quote_ident(a.attname), ', ') from pg_attribute a
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '')
from pg_stat_xact_user_tables s join pg_class c on c.oid = s.relid
where n_tup_ins + n_tup_upd + n_tup_del > 0 and c.relpersistence <> 't'
"""


def check_notify(stand: Stand, routines: Routines, caller: Caller) -> Iterator[Finding]:
    """Listen as the attacker while the victim writes, or calls a function that notifies."""
    for routine in routines.attacked:
        if not routines.any_of(routine, "notifies"):
            continue
        found = None
        for name in routines.triggers.get(routine.oid, ()):
            if name in stand.protected and found is None:
                found = _listen(stand, routine, [name], list(firing_statements(stand, name, VICTIM)))
        if routine.callable and stand.role.name in routine.roles:
            named = [table for table in routines.tables(routine, stand.model.relations) if table in stand.protected]
            calls = sorted(caller.calls(routine), key=lambda call: -len(call.names))
            found = _listen(stand, routine, named, [call.sql for call in calls[:2]]) if named else None
        if found is not None:
            yield found


def _listen(stand: Stand, routine: Routine, names: list[str], statements: list[str]) -> Finding | None:
    """Let the victim run the statements until the attacker hears something of these tables."""
    import psycopg

    weaker: Finding | None = None
    with (
        psycopg.connect(stand.conninfo, autocommit=True, options=OPTIONS) as victim,
        psycopg.connect(stand.conninfo, autocommit=True, options=OPTIONS) as attacker,
    ):
        _execute(attacker, f"set session authorization {stand.role.sql}")
        for statement in statements:
            channels, touched = _rehearse(stand, victim, statement)
            if not channels:
                continue
            for channel in (*channels, _LAST):
                _execute(attacker, f"listen {_quoted(channel)}")
            with _restored(victim, touched), suppress(psycopg.Error):
                _commit(stand, victim, statement)
            _execute(victim, f"notify {_quoted(_LAST)}")
            payloads = list(_heard(attacker))
            found = _judge(stand, routine, names, statement, channels, payloads)
            if found is not None and found.severity is Severity.ERROR:
                return found
            weaker = weaker or found
    return weaker


def _heard(listener: Connection[Any]) -> Iterator[str]:
    """The payloads that came before the last notification."""
    for notice in listener.notifies(timeout=_WAIT):
        if notice.channel == _LAST:
            return
        yield notice.payload


def _rehearse(stand: Stand, victim: Connection[Any], statement: str) -> tuple[list[str], list[tuple[str, str]]]:
    """The channels a write notifies and the tables it touches; it is rolled back."""
    import psycopg

    channels: list[str] = []

    def note(diagnostic: Any) -> None:
        match = _CHANNEL.search(diagnostic.message_primary or "")
        if match:
            channels.append(match.group(1))

    touched: list[tuple[str, str]] = []
    victim.add_notice_handler(note)
    with suppress(psycopg.Error), victim.transaction(force_rollback=True):
        _in_context(stand, victim)
        _execute(victim, "set local client_min_messages = debug1")
        _execute(victim, "set local trace_notify = on")
        _execute(victim, statement)
        touched = [(row[0], row[1]) for row in victim.execute(_TOUCHED).fetchall()]
    victim.remove_notice_handler(note)
    return list(dict.fromkeys(channels)), touched


def _in_context(stand: Stand, victim: Connection[Any]) -> None:
    for statement in own_context(stand.scope, stand.population.identities[VICTIM]):
        _execute(victim, statement)


def _commit(stand: Stand, victim: Connection[Any], statement: str) -> None:
    with victim.transaction():
        _in_context(stand, victim)
        _execute(victim, statement)


class _restored:
    """Puts tables back as they were when the block ends."""

    def __init__(self, connection: Connection[Any], tables: Iterable[tuple[str, str]]) -> None:
        self.connection = connection
        self.tables = [(f"pg_temp.dbkit_before_{n}", table, columns) for n, (table, columns) in enumerate(tables)]

    def __enter__(self) -> None:
        for copy, table, _ in self.tables:
            _execute(self.connection, f"create temp table {copy[8:]} as select * from {table}")

    def __exit__(self, *_: object) -> None:
        with self.connection.transaction():
            _execute(self.connection, AS_REPLICA)
            for copy, table, columns in self.tables:
                _execute(
                    self.connection,
                    f"delete from {table} t where to_jsonb(t) not in (select to_jsonb(b) from {copy} b)",
                )
                _execute(
                    self.connection,
                    f"insert into {table} ({columns}) overriding system value select {columns} from {copy} b "
                    f"where to_jsonb(b) not in (select to_jsonb(t) from {table} t)",
                )
                _execute(self.connection, f"drop table {copy}")


def _judge(
    stand: Stand, routine: Routine, names: list[str], statement: str, channels: list[str], payloads: list[str]
) -> Finding | None:
    """Values in a payload are a leak; ids alone tell that something happened, which is a warning."""
    carried = [_carried(stand, stand.protected[name].table) for name in names]
    text = "\n".join(payloads)
    told = next((f"{value!r} of {place}" for values, _ in carried for value, place in values if value in text), None)
    named = next((f"{value!r} of {place}" for _, ids in carried for value, place in ids if value in text), None)
    if told is None and named is None:
        return None
    channel = channels[0]
    return Finding(
        rule="notify_payload_tells_rows" if told else "notify_payload_tells_ids",
        message=f"{routine.signature} sends {'values' if told else 'ids'} of every tenant's rows of {', '.join(names)} "
        f"on channel {channel}, which anybody may listen to",
        severity=Severity.ERROR if told else Severity.WARNING,
        category="SIDE-04",
        verdict=LEAK if told else None,
        object=routine.qualified,
        detail=f"LISTEN has no access control. {NEEDS_SQL}",
        hint="Notify without a payload, and let the listener read the row under its policies.",
        evidence=Evidence(
            sql=f"-- the attacker\nset session authorization {stand.role.sql};\nlisten {_quoted(channel)};\n"
            f"-- meanwhile the victim\nbegin;\n{statement};\ncommit;",
            witness=f"the listener received {told or named}",
            control="the attacker sees no such row of the victim with SELECT",
        ),
    )


def _carried(stand: Stand, table: Table) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """(value, where it stands) of the victim's rows, and those of them that are ids: keys and references."""
    rows = stand.population.tables[table.qualified]
    keys = {*table.primary_key, stand.scope.tables[table.qualified].column}
    keys |= {column for key in table.foreign_keys for column in key.columns}
    mine = {value for slot in (ATTACKER, "B2") for value in rows.rows.get(slot, {}).values()}
    values: list[tuple[str, str]] = []
    ids: list[tuple[str, str]] = []
    for row in filter(None, (rows.rows.get(VICTIM), rows.spares.get(VICTIM))):
        for column, value in row.items():
            if value and len(value) >= 8 and value not in mine:
                is_id = column in keys or (table.columns[column].base == "uuid" and not SECRET.search(column))
                (ids if is_id else values).append((value, f"{table.qualified}.{column}"))
    return values, ids


def _execute(connection: Connection[Any], statement: str) -> None:
    # Text put together from the catalog with names quoted by the server; there are no parameters to bind.
    connection.execute(statement.encode())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

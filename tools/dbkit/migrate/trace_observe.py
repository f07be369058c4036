"""Run one statement and see what it does to what was there before: locks, rewrites, scans, index builds, time.

Inside a transaction the statement's own backend tells: pg_locks, file nodes and pg_stat_xact_all_tables before and
after it. A statement that refuses a transaction is watched from a second connection, while a third one holds a lock on
every table, so that it has to wait where it can be seen; locks it takes later are seen as far as they last.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from dbkit.lint.locks import Lock
from dbkit.migrate.session import Session

__all__ = ["Effects", "Existing", "existing_objects", "observe", "observe_alone"]

_OURS = "n.nspname not in ('pg_catalog', 'information_schema', 'dbkit') and n.nspname !~ '^pg_(toast|temp)'"
_EXISTING = f"""
select c.oid, n.nspname || '.' || c.relname, c.relkind, coalesce(t.nspname || '.' || tc.relname, '')
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
left join pg_index as i on i.indexrelid = c.oid
left join pg_class as tc on tc.oid = i.indrelid left join pg_namespace as t on t.oid = tc.relnamespace
where c.relkind in ('r', 'p', 'm', 'i', 'I', 'v') and c.relpersistence <> 't' and {_OURS}
"""
_LOCKS = """
select relation, mode from pg_locks
where pid = {pid} and locktype = 'relation' and relation is not null
    and database = (select oid from pg_database where datname = current_database())
"""
_FILES = """
select c.oid, coalesce(pg_relation_filenode(c.oid), 0) from pg_class as c
where c.oid >= 16384 and c.relkind in ('r', 'm', 'i')
"""
_SCANS = "select relid, seq_scan, seq_tup_read from pg_stat_xact_all_tables where relid >= 16384 and seq_scan > 0"
_INDEXES = """
select i.indexrelid, i.indrelid, ic.relname from pg_index as i
join pg_class as c on c.oid = i.indrelid join pg_class as ic on ic.oid = i.indexrelid
where c.oid >= 16384 and c.relkind in ('r', 'm')
"""
# Seconds; a statement about something else than tables is not kept waiting for longer.
_LONGEST_HOLD = 2.0
# Whoever wants to change a table waits for this, and pg_locks tells in which mode.
_HOLD = f"""
do $hold$
declare
    found record;
begin
    for found in
        select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and {_OURS}
    loop
        execute format('lock table only %I.%I in share mode', found.nspname, found.relname);
    end loop;
end
$hold$
"""


@dataclass(frozen=True)
class Existing:
    """What was there before a file: relations by oid.

    Attributes:
        names: `schema.name`.
        kinds: PostgreSQL's letter.
        tables: index -> its table's name.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Effects:
    """What a statement did to relations that existed before its file.

    Attributes:
        locks: relation -> the strongest lock that its transaction did not have yet; plain reading (ACCESS SHARE) and
            indexes of tables locked as strongly left out.
        held: relation -> strongest lock the transaction has after it.
        rewrites: tables that got a new file with their rows in it.
        emptied: tables that TRUNCATE gave a new, empty file.
        builds: table -> indexes built over its rows.
        scans: table -> rows read by sequential scans.
    """

    milliseconds: float
    locks: Mapping[str, Lock] = field(default_factory=dict)
    held: Mapping[str, Lock] = field(default_factory=dict)
    rewrites: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    builds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scans: Mapping[str, int] = field(default_factory=dict)

    @property
    def work(self) -> frozenset[str]:
        """What it did to every row of a table: rewrite, build, scan."""
        found = {"rewrite": self.rewrites, "build": self.builds, "scan": self.scans}
        return frozenset(name for name, relations in found.items() if relations)


@dataclass(frozen=True)
class _Picture:
    locks: set[tuple[str, Lock]]
    files: dict[str, str]
    scans: dict[str, tuple[int, int]]
    indexes: dict[str, tuple[str, str]]


def existing_objects(session: Session) -> Existing:
    """What the database has now."""
    rows = [tuple(str(value) for value in row) for row in session.rows(_EXISTING)]
    return Existing(
        {oid: name for oid, name, _, _ in rows},
        {oid: kind for oid, _, kind, _ in rows},
        {name: table for _, name, _, table in rows if table},
    )


def observe(session: Session, text: str, existing: Existing, *, data: str | None = None) -> Effects:
    """Run a statement inside the open transaction of a session.

    Args:
        data: the rows of a COPY FROM STDIN.

    Raises:
        ServerError: it failed; the transaction is aborted.
    """
    pid = str(session.pgconn.backend_pid)
    before = _picture(session, pid)
    started = time.perf_counter()
    session.run(text, data=data)
    milliseconds = (time.perf_counter() - started) * 1000
    return _difference(before, _picture(session, pid), existing, milliseconds, _is_truncate(text))


def observe_alone(session: Session, watching: Session, holding: Session, text: str, existing: Existing) -> Effects:
    """Run a statement that refuses a transaction, seen from a second connection.

    The time does not count the wait for what the third connection holds.

    Raises:
        ServerError: it failed.
    """
    pid = str(session.pgconn.backend_pid)
    before = _picture(watching, pid)
    seen: set[tuple[str, Lock]] = set()
    held = True
    released = started = time.perf_counter()
    holding.run(f"begin; {_HOLD}")

    def look(waited: float) -> None:
        nonlocal held, released
        seen.update(_locks(watching, pid))
        if held and (any(lock > Lock.ROW_EXCLUSIVE for _, lock in seen) or waited > _LONGEST_HOLD):
            holding.run("rollback")
            held, released = False, time.perf_counter()

    try:
        session.run(text, look)
    finally:
        if held:
            holding.run("rollback")
    milliseconds = (time.perf_counter() - (started if held else released)) * 1000
    after = _picture(watching, pid)
    after.locks.update(seen)
    return _difference(before, after, existing, milliseconds, truncated=False)


def _picture(session: Session, pid: str) -> _Picture:
    scans = {_text(oid): (int(scans or 0), int(rows or 0)) for oid, scans, rows in session.rows(_SCANS)}
    return _Picture(
        _locks(session, pid),
        {_text(oid): _text(node) for oid, node in session.rows(_FILES)},
        scans,
        {_text(index): (_text(table), _text(name)) for index, table, name in session.rows(_INDEXES)},
    )


def _locks(session: Session, pid: str) -> set[tuple[str, Lock]]:
    return {(_text(oid), _lock(_text(mode))) for oid, mode in session.rows(_LOCKS.format(pid=pid))}


def _strongest(locks: set[tuple[str, Lock]], existing: Existing) -> dict[str, Lock]:
    found: dict[str, Lock] = {}
    for oid, lock in locks:
        if oid in existing.names and lock > Lock.ACCESS_SHARE:
            name = existing.names[oid]
            found[name] = max(lock, found.get(name, lock))
    # That an index is locked with its table goes without saying.
    return {
        name: lock for name, lock in found.items() if lock > found.get(existing.tables.get(name, ""), Lock.ACCESS_SHARE)
    }


def _lock(mode: str) -> Lock:
    """`AccessExclusiveLock` -> Lock."""
    return Lock.parse(" ".join(re.findall(r"[A-Z][a-z]+", mode.removesuffix("Lock"))).upper())


def _difference(before: _Picture, after: _Picture, existing: Existing, milliseconds: float, truncated: bool) -> Effects:
    names = existing.names
    held = _strongest(after.locks, existing)
    locks = {name: lock for name, lock in _strongest(after.locks - before.locks, existing).items() if name in held}
    moved = [oid for oid, node in after.files.items() if oid in names and before.files.get(oid, node) != node]
    tables = tuple(sorted(names[oid] for oid in moved if existing.kinds[oid] in "rm"))
    builds: dict[str, tuple[str, ...]] = {}
    for index, (table, name) in after.indexes.items():
        # The indexes of a rewritten table are part of the rewrite.
        is_new = index not in before.indexes or index in moved
        if is_new and table in names and names[table] not in tables:
            builds[names[table]] = (*builds.get(names[table], ()), name)
    scans = {}
    for oid, (times, rows) in after.scans.items():
        earlier = before.scans.get(oid, (0, 0))
        if oid in names and times > earlier[0]:
            scans[names[oid]] = rows - earlier[1]
    if truncated:
        return Effects(milliseconds, locks, held, emptied=tables)
    return Effects(
        milliseconds,
        locks,
        held,
        tables,
        (),
        builds,
        {table: rows for table, rows in scans.items() if table not in tables and table not in builds},
    )


def _is_truncate(text: str) -> bool:
    return re.match(r"\s*truncate\b", text, re.IGNORECASE) is not None


def _text(value: str | None) -> str:
    return value or ""

"""Compare the files with the ledger: what is applied, what is pending, in what order, and what forbids going on."""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dbkit.errors import DbkitError
from dbkit.migrate.files import Migration, show_path
from dbkit.migrate.layouts import Folder
from dbkit.migrate.ledger import Row

__all__ = ["Done", "Plan", "Problem", "Result", "choose_line", "make_plan", "run_order", "to_revert", "up_to"]

Rows = Mapping[tuple[str, str], Row]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that forbids applying; `rule` is its stable name."""

    rule: str
    message: str
    detail: str
    hint: str
    migration: Migration | None = None

    def as_error(self) -> DbkitError:
        return DbkitError(self.message, detail=self.detail, hint=self.hint)


@dataclass
class Plan:
    """What one run would do.

    Attributes:
        folder: the files.
        rows: the ledger.
        pending: to run, in this order; a half-done file stands among them.
        problems: reasons not to run anything.
    """

    folder: Folder
    rows: Rows
    pending: list[Migration] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Done:
    """One migration that ran."""

    migration: Migration
    milliseconds: int


@dataclass
class Result:
    """What a run did, or would do with `dry_run`.

    Attributes:
        action: apply, revert or baseline.
        chosen: what was to run, in order.
        done: what ran, in order.
    """

    action: str
    folder: Folder
    chosen: list[Migration]
    done: list[Done] = field(default_factory=list)
    dry_run: bool = False


def make_plan(folder: Folder, rows: Rows, *, line: str | None = None, allow_late: bool = False) -> Plan:
    """Compare a folder with a ledger.

    Args:
        line: only this line and what it needs; None for all.
        allow_late: run files that are older than the newest applied one of their line.
    """
    lines = _with_needs(folder, line)
    files = {(m.line, m.version): m for m in folder.migrations if m.line in lines}
    plan = Plan(folder, rows)
    plan.problems += _missing(folder, rows, files, lines)
    newest: dict[str, Migration] = {}
    skipped = _squashed(files.values(), rows)
    for key, migration in files.items():
        row = rows.get(key)
        if key in skipped and row is None:
            continue
        if row is not None and row.applied:
            newest[migration.line] = migration
            if row.checksum != migration.checksum:
                if migration.repeatable:
                    plan.pending.append(migration)
                else:
                    plan.problems.append(_edited(migration, row))
        elif row is not None and row.state == "reverting":
            plan.problems.append(_half_undone(migration))
        else:
            plan.pending.append(migration)
    if not allow_late:
        plan.problems += _late(plan, newest)
    if plan.pending and not plan.problems:
        plan.pending = run_order(folder, plan.pending, rows)
    return plan


def choose_line(folder: Folder, line: str | None) -> str | None:
    """Check a module named on the command line.

    Raises:
        DbkitError: no such line.
    """
    if line is not None and line not in folder.lines:
        raise DbkitError(
            f"unknown module: {line}",
            detail=f"{show_path(folder.path)} has {', '.join(folder.lines) or 'no migrations'}.",
            hint="Correct the name, or declare the module under [modules] in dbkit.toml.",
        )
    return line


def up_to(folder: Folder, version: str, line: str | None) -> set[Migration]:
    """The migrations that `--to V` reaches: of its line those up to and including V, of all lines those not later.

    Raises:
        DbkitError: the line has no such version, or without a line V is neither a version nor a time.
    """
    line = line or (folder.lines[0] if len(folder.lines) == 1 else None)
    if line is None:
        if not re.fullmatch(r"\d{4,14}", version):
            raise DbkitError(
                f"unknown version: {version}",
                detail="Without a module, --to is a time for all lines.",
                hint="Write YYYYMMDDHHMMSS or its beginning, or name the module.",
            )
        return {m for m in folder.migrations if m.timestamp[: len(version)] <= version}
    target = find_version(folder, line, version)
    reached = set()
    for migration in folder.migrations:
        if migration.line == line:
            reached.add(migration)
            if migration is target:
                break
    # Other lines are reached as far as this line needs them.
    lines = _with_needs(folder, line) - {line}
    return reached | {m for m in folder.migrations if m.line in lines}


def find_version(folder: Folder, line: str, version: str) -> Migration:
    """One migration of a line by its version, or by an unambiguous beginning of it.

    Raises:
        DbkitError: none, or several.
    """
    known = [m for m in folder.migrations if m.line == line]
    exact = [m for m in known if m.version == version]
    found = exact or [m for m in known if re.match(re.escape(version) + r"(?![0-9A-Za-z])", m.version)]
    found = found or [m for m in known if m.version.lstrip("0") == version.lstrip("0") != ""]
    if len(found) == 1:
        return found[0]
    last = known[-1].version if known else "none"
    raise DbkitError(
        f"{'ambiguous' if found else 'unknown'} version: {version}",
        detail=f"Line {line} has {len(known)} migrations; the last is {last}.",
        hint="Show them with: dbkit migrate status",
    )


def run_order(folder: Folder, pending: Sequence[Migration], rows: Rows) -> list[Migration]:
    """Order pending migrations of all lines.

    Each line keeps its own order; a migration comes after its Dependencies; a line begins after the first migration
    of each line it needs. What these leave open is settled by time, then by the order of modules.

    Raises:
        DbkitError: a dependency that does not exist or is later in its own line, or a cycle between lines.
    """
    if folder.layout != "dbkit" or (len(folder.lines) == 1 and not any(_declares_dependencies(m) for m in pending)):
        return list(pending)
    known = {(m.line, m.version): m for m in folder.migrations}
    waiting = {(m.line, m.version): m for m in pending}
    after: dict[tuple[str, str], set[tuple[str, str]]] = {key: set() for key in waiting}
    first: dict[str, tuple[str, str]] = {}
    previous: dict[str, tuple[str, str]] = {}
    for key, migration in waiting.items():
        if migration.line in previous:
            after[key].add(previous[migration.line])
        first.setdefault(migration.line, key)
        previous[migration.line] = key
        for needed in _resolve(migration, known, rows):
            if needed in waiting:
                after[key].add(needed)
    for line, key in first.items():
        for need in folder.needs.get(line, ()):
            if need in first and not any(row.applied and row.line == need for row in rows.values()):
                after[key].add(first[need])
    return _topological(folder, waiting, after)


def to_revert(plan: Plan, *, line: str | None, to: str | None) -> list[Migration]:
    """What `revert` undoes, newest first: the last applied migration, or all that came after `--to`.

    Raises:
        DbkitError: nothing is applied, an unknown version, a file that is gone or edited, or one that other applied
            migrations depend on.
    """
    folder, rows = plan.folder, plan.rows
    undoable = [row for row in rows.values() if row.state in ("applied", "baseline", "reverting", "partial")]
    candidates = [row for row in undoable if line is None or row.line == line]
    if to is None:
        chosen = candidates[-1:]
    else:
        kept = {(m.line, m.version) for m in (_up_to_or_nothing(folder, to, line))}
        chosen = [row for row in candidates if (row.line, row.version) not in kept]
    chosen.reverse()
    files = {(m.line, m.version): m for m in folder.migrations}
    undone = {(row.line, row.version) for row in chosen}
    found = []
    for row in chosen:
        migration = files.get((row.line, row.version))
        if migration is None:
            raise _gone(row, folder).as_error()
        if row.checksum != migration.checksum and row.applied:
            raise _edited(migration, row).as_error()
        _refuse_needed(row, rows, undone)
        found.append(migration)
    return found


def _up_to_or_nothing(folder: Folder, to: str, line: str | None) -> set[Migration]:
    """`--to 0` undoes everything."""
    return set() if to == "0" else up_to(folder, to, line)


def _refuse_needed(row: Row, rows: Rows, undone: set[tuple[str, str]]) -> None:
    name = f"{row.line}/{row.version}"
    for other in rows.values():
        if other.applied and name in other.depends_on and (other.line, other.version) not in undone:
            raise DbkitError(
                f"migration {name} is needed by an applied one",
                detail=f"{other.line}/{other.version} names it under Dependencies.",
                hint=f"Undo that one first: dbkit migrate revert {other.line}",
            )


def _with_needs(folder: Folder, line: str | None) -> set[str]:
    if line is None:
        return set(folder.lines)
    wanted, queue = set(), [line]
    while queue:
        name = queue.pop()
        if name not in wanted:
            wanted.add(name)
            queue += folder.needs.get(name, ())
    return wanted


def _missing(folder: Folder, rows: Rows, files: Mapping[tuple[str, str], Migration], lines: set[str]) -> list[Problem]:
    gone = [row for key, row in rows.items() if row.state != "reverted" and row.line in lines and key not in files]
    return [_gone(row, folder) for row in gone]


def _gone(row: Row, folder: Folder) -> Problem:
    return Problem(
        "applied_file_missing",
        f"applied migration has no file: {row.line}/{row.version}",
        f"The ledger says {row.version}{'_' + row.name if row.name else ''} was applied {row.applied_at} by"
        f" {row.applied_by}; {show_path(folder.path)} does not have it.",
        "Restore the file (git log --diff-filter=D -- the folder), or check that the folder belongs to this database.",
    )


def _edited(migration: Migration, row: Row) -> Problem:
    unix = migration.data.replace(b"\r\n", b"\n")
    dos = unix.replace(b"\n", b"\r\n")
    detail = (
        f"{show_path(migration.path)} was applied {row.applied_at} with sha256 {row.checksum[:12]}…,"
        f" now it is {migration.checksum[:12]}…."
    )
    if row.checksum in (hashlib.sha256(unix).hexdigest(), hashlib.sha256(dos).hexdigest()):
        detail += " Only its line ends differ: set `*.sql text eol=lf` in .gitattributes."
    return Problem(
        "applied_file_edited",
        f"migration {migration} changed after it was applied",
        detail,
        f"Restore the file (git checkout -- {show_path(migration.path)}) and put the change into a new migration.",
        migration,
    )


def _half_undone(migration: Migration) -> Problem:
    return Problem(
        "half_undone_migration",
        f"migration {migration} is half undone",
        f"Some steps of the down section of {show_path(migration.path)} are done, the rest is not.",
        "Finish it with dbkit migrate revert; the statements that did not run yet may be corrected.",
        migration,
    )


def _late(plan: Plan, newest: Mapping[str, Migration]) -> list[Problem]:
    found = []
    for migration in plan.pending:
        top = newest.get(migration.line)
        row = plan.rows.get((migration.line, migration.version))
        half_done = row is not None and row.state == "partial"
        if top is None or migration.repeatable or half_done or not migration.order < top.order:
            continue
        found.append(
            Problem(
                "late_migration",
                f"migration {migration} is older than an applied one",
                f"{show_path(migration.path)} is pending and {show_path(top.path)} is already applied.",
                "Give the file a later version, or run it out of order with --allow-late.",
                migration,
            )
        )
    return found


def _squashed(files: Iterable[Migration], rows: Rows) -> set[tuple[str, str]]:
    """Files that a baseline script (Flyway B) stands for, or baseline scripts that come too late to be used."""
    migrations = list(files)
    squashes = [m for m in migrations if m.squashes]
    if not squashes:
        return set()
    line_has_history = any(row.line == squashes[0].line and row.state != "reverted" for row in rows.values())
    used = next((m for m in squashes if rows.get((m.line, m.version))), None)
    if used is None and not line_has_history:
        used = squashes[-1]
    skipped = {(m.line, m.version) for m in squashes if m is not used}
    if used is not None:
        # B3 stands for V3 and all before it.
        skipped |= {
            (m.line, m.version)
            for m in migrations
            if not m.repeatable and m is not used and not used.order[:1] < m.order[:1]
        }
    return skipped


def _declares_dependencies(migration: Migration) -> bool:
    """A look at the bytes, so that a thousand files without dependencies need not be parsed."""
    return (
        re.search(rb"^--\s?Dependencies:\s*(?!none\b|-\s*$)", migration.data, re.MULTILINE | re.IGNORECASE) is not None
    )


def _resolve(migration: Migration, known: Mapping[tuple[str, str], Migration], rows: Rows) -> list[tuple[str, str]]:
    found = []
    for name in migration.depends_on:
        line, _, version = name.partition("/")
        key = (line, version)
        other = known.get(key)
        row = rows.get(key)
        if other is None and not (row and row.applied):
            raise DbkitError(
                f"migration {migration} depends on one that does not exist",
                detail=f"{show_path(migration.path)} names {name}.",
                hint="Correct its Dependencies line.",
            )
        if other is not None and other.line == migration.line and not other.order < migration.order:
            raise DbkitError(
                f"migration {migration} depends on a later one",
                detail=f"{show_path(migration.path)} names {name}, which comes after it in its line.",
                hint="Correct its Dependencies line, or give one of the two another version.",
            )
        found.append(key)
    return found


def _topological(
    folder: Folder, waiting: Mapping[tuple[str, str], Migration], after: Mapping[tuple[str, str], set[tuple[str, str]]]
) -> list[Migration]:
    rank = {line: number for number, line in enumerate(folder.lines)}
    blocked = {key: set(needs) for key, needs in after.items()}
    frees: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for key, needs in after.items():
        for need in needs:
            frees.setdefault(need, []).append(key)
    ready = [
        (m.timestamp, rank[m.line], number, key) for number, (key, m) in enumerate(waiting.items()) if not blocked[key]
    ]
    heapq.heapify(ready)
    numbers = {key: number for number, key in enumerate(waiting)}
    ordered = []
    while ready:
        *_, key = heapq.heappop(ready)
        ordered.append(waiting[key])
        for freed in frees.get(key, ()):
            blocked[freed].discard(key)
            if not blocked[freed]:
                migration = waiting[freed]
                heapq.heappush(ready, (migration.timestamp, rank[migration.line], numbers[freed], freed))
    if len(ordered) < len(waiting):
        stuck = [str(waiting[key]) for key, needs in blocked.items() if needs]
        raise DbkitError(
            "migrations depend on each other",
            detail=f"None of these can come first: {', '.join(stuck[:6])}.",
            hint="Correct the Dependencies lines.",
        )
    return ordered

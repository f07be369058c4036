"""Statements that commit by themselves, judged by the catalog: CREATE INDEX CONCURRENTLY and its kin.

Such a statement cannot commit together with its ledger row, so the row says `started` before and `done` after. What a
`started` row means after a crash, and whether a statement that ended without an error did its work, only the catalog
can tell: CREATE INDEX CONCURRENTLY IF NOT EXISTS succeeds on an INVALID index that serves no query.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dbkit.errors import DbkitError
from dbkit.migrate.session import ServerError, Session

__all__ = ["Effect", "effect_of", "invalid_indexes"]

_INDEX_STATE = "i.indisvalid and i.indisready and i.indislive"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement that commits by itself leaves in the catalog.

    Attributes:
        kind: create_index, drop_index, reindex, detach_partition, create_database or other.
        relation: the table (create_index, detach_partition), the index (drop_index), quoted and qualified as written.
        name: the index's or database's own name, None where the server chooses it.
        partition: the partition that is detached.
        waits_harmlessly: takes no lock that reads or writes wait for, so it needs no lock_timeout.
    """

    kind: str
    relation: str | None = None
    name: str | None = None
    partition: str | None = None
    waits_harmlessly: bool = False


def effect_of(text: str) -> Effect:
    """Read one statement. What PostgreSQL's parser does not accept is `other`: the server will say what is wrong."""
    import pglast
    from pglast import ast, enums

    try:
        parsed: Any = pglast.parse_sql(text)
    except (pglast.parser.ParseError, ValueError):
        return Effect("other")
    node: Any = parsed[0].stmt if parsed else None
    if isinstance(node, ast.IndexStmt) and node.concurrent:
        return Effect("create_index", _qualified(node.relation), node.idxname, waits_harmlessly=True)
    if isinstance(node, ast.DropStmt) and node.concurrent:
        return Effect("drop_index", _joined(node.objects), waits_harmlessly=True)
    if isinstance(node, ast.ReindexStmt) and any(option.defname == "concurrently" for option in node.params or ()):
        return Effect("reindex", _qualified(node.relation) if node.relation else None, waits_harmlessly=True)
    if isinstance(node, ast.AlterTableStmt):
        commands: Any = node.cmds
        for command in commands:
            if command.subtype == enums.AlterTableType.AT_DetachPartition and command.def_.concurrent:
                return Effect("detach_partition", _qualified(node.relation), partition=_qualified(command.def_.name))
    if isinstance(node, ast.CreatedbStmt):
        return Effect("create_database", name=node.dbname)
    return Effect("other", waits_harmlessly=isinstance(node, ast.VacuumStmt))


def remember(session: Session, effect: Effect) -> list[str]:
    """oids of the indexes a table has before an index without a name is added to it; empty for everything else."""
    if effect.kind != "create_index" or effect.name is not None:
        return []
    rows = session.rows(
        f"select indexrelid from pg_index where indrelid = to_regclass({session.literal(effect.relation)})"
    )
    return [oid for (oid,) in rows if oid]


def already_done(session: Session, effect: Effect, before: tuple[str, ...]) -> bool:
    """Whether a statement that was started and not recorded as done took effect after all."""
    if effect.kind == "create_index":
        built = _built(session, effect, before)
        return bool(built) and all(valid for _, valid in built)
    if effect.kind == "drop_index":
        return session.value(f"select to_regclass({session.literal(effect.relation)})") is None
    if effect.kind == "detach_partition":
        return _attachment(session, effect) is None
    if effect.kind == "create_database":
        return session.value(f"select true from pg_database where datname = {session.literal(effect.name)}") == "t"
    return False


def clear_way(session: Session, effect: Effect, before: tuple[str, ...], say: Callable[[str], None]) -> str | None:
    """Remove what a failed attempt left, so that the statement can run again.

    Returns:
        A statement to run instead (a half-done DETACH has to be finalised), None to run the statement itself.

    Raises:
        DbkitError: the index in the way is not a leftover.
    """
    if effect.kind == "create_index":
        for name, valid in _built(session, effect, before):
            if not valid:
                _drop(session, name, say)
    elif effect.kind == "reindex":
        for name in _reindex_leftovers(session, effect):
            _drop(session, name, say)
    elif effect.kind == "detach_partition" and _attachment(session, effect) == "pending":
        say(f"finishes detaching {effect.partition}, which was interrupted")
        return f"alter table {effect.relation} detach partition {effect.partition} finalize"
    return None


def is_invalid(session: Session, text: str, before: tuple[str, ...]) -> bool:
    """Whether the index that a finished CREATE INDEX CONCURRENTLY built is INVALID now."""
    effect = effect_of(text)
    return effect.kind == "create_index" and any(not valid for _, valid in _built(session, effect, before))


def refuse_invalid(session: Session, effect: Effect, before: tuple[str, ...]) -> None:
    """Refuse to record success while an index that a statement built is INVALID.

    Raises:
        DbkitError: it is.
    """
    if effect.kind != "create_index":
        return
    for name, valid in _built(session, effect, before):
        if not valid:
            raise DbkitError(
                f"index is INVALID after it was built: {name}",
                detail="The server reported no error, yet the index serves no query. Nothing was recorded.",
                hint="Run the command again: dbkit drops the index and builds it anew.",
            )


def invalid_indexes(session: Session) -> list[tuple[str, str]]:
    """(index, table) of every INVALID index outside the system schemas that nobody is building right now.

    The index of a partitioned table stays invalid until each partition has its part; that is a state, not a defect.
    """
    rows = session.rows(
        "select i.indexrelid::regclass::text, i.indrelid::regclass::text from pg_index i"
        " join pg_class c on c.oid = i.indexrelid"
        f" where not ({_INDEX_STATE}) and c.relkind = 'i'"
        " and c.relnamespace not in (select oid from pg_namespace where nspname ~ '^pg_')"
        " and not exists (select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid)"
        " order by 1"
    )
    return [(name or "", table or "") for name, table in rows]


def _built(session: Session, effect: Effect, before: tuple[str, ...]) -> list[tuple[str, bool]]:
    """(quoted name, valid) of the index a statement built or meant to build."""
    table = f"to_regclass({session.literal(effect.relation)})"
    if effect.name is not None:
        which = f"c.relname = {session.literal(effect.name)}"
    else:
        which = f"not i.indexrelid = any ('{{{','.join(before)}}}'::oid[])"
    rows = session.rows(
        f"select format('%I.%I', n.nspname, c.relname), {_INDEX_STATE} from pg_index i"
        " join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace"
        f" where i.indrelid = {table} and {which}"
    )
    return [(name or "", valid == "t") for name, valid in rows]


def _reindex_leftovers(session: Session, effect: Effect) -> list[str]:
    scope = "true"
    if effect.relation is not None:
        relation = f"to_regclass({session.literal(effect.relation)})"
        scope = f"i.indrelid = coalesce((select indrelid from pg_index where indexrelid = {relation}), {relation})"
    rows = session.rows(
        "select format('%I.%I', n.nspname, c.relname) from pg_index i"
        " join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace"
        f" where not i.indisvalid and c.relkind = 'i' and c.relname ~ '_cc(new|old)[0-9]*$' and {scope}"
    )
    return [name for (name,) in rows if name]


def _drop(session: Session, name: str, say: Callable[[str], None]) -> None:
    busy = session.value(
        "select pid from pg_stat_progress_create_index"
        f" where index_relid = to_regclass({session.literal(name)}) and pid <> pg_backend_pid()"
    )
    if busy:
        raise DbkitError(
            f"index is being built by another session: {name}",
            detail=f"Its process id is {busy}.",
            hint="Wait until it ends and run the command again.",
        )
    say(f"drops {name}, which an earlier attempt left INVALID")
    session.run(f"drop index concurrently if exists {name}")


def _attachment(session: Session, effect: Effect) -> str | None:
    """attached, pending (a DETACH CONCURRENTLY stopped between its two transactions) or None."""
    return session.value(
        "select case when inhdetachpending then 'pending' else 'attached' end from pg_inherits"
        f" where inhrelid = to_regclass({session.literal(effect.partition)})"
        f" and inhparent = to_regclass({session.literal(effect.relation)})"
    )


def tidy(session: Session, effect: Effect, before: tuple[str, ...], say: Callable[[str], None]) -> None:
    """After a failure, drop the INVALID index it left; it would slow every write. A later run does it otherwise."""
    try:
        clear_way(session, effect, before, say)
    except (DbkitError, ServerError):
        say("could not drop the INVALID index now; the next run does")


def _joined(objects: Any) -> str:
    """The only object of a DROP INDEX CONCURRENTLY."""
    return ".".join(_quoted(part.sval) for part in objects[0])


def _qualified(relation: Any) -> str:
    parts = [part for part in (relation.schemaname, relation.relname) if part]
    return ".".join(_quoted(part) for part in parts)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

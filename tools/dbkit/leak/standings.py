"""What a membership says beside that there is one: whether it is in force, and what rank it gives.

A membership that was suspended, or that nobody has accepted yet, opens nothing; one that makes its member an owner
opens the own tenant and no other. Both are told by columns of the memberships, by their CHECK, their enum or the words
that policies and functions compare them with.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from dbkit.leak.replica import as_replica
from dbkit.leak.rows import ATTACKER, Identity, Population, Values
from dbkit.leak.session import Session
from dbkit.leak.shapes import TIMES
from dbkit.leak.values import privileged_first
from dbkit.tenancy.model import Kind, Model
from dbkit.tenancy.relations import Column, Table, literal

__all__ = ["NONE_KNOWN", "Standing", "Standings", "in_force", "mightiest", "read_standings"]

_ENDED = ("suspended", "inactive", "disabled", "revoked", "removed", "blocked", "banned", "deleted", "left", "closed")
_AWAITED = ("invited", "pending", "requested", "applied", "waiting", "unconfirmed", "expired", "declined", "rejected")
_IN_FORCE = ("active", "accepted", "approved", "confirmed", "enabled", "joined", "member", "current", "valid")
_TRUE_IN_FORCE = re.compile(r"(?:is_)?(?:active|enabled|accepted|approved|confirmed)$")
_TRUE_WHEN_ENDED = re.compile(r"(?:is_)?(?:suspended|disabled|revoked|removed|blocked|banned|deleted|archived)$")
_ENDED_AT = re.compile(r"(?:revoked|suspended|deleted|removed|left|disabled|ended|banned|archived)_(?:at|on)$")
_EXPIRES_AT = re.compile(r"(?:expires|expiry|valid_until|valid_to|ends)(?:_(?:at|on))?$")
_IN_FORCE_SINCE = re.compile(r"(?:accepted|confirmed|approved|activated)_(?:at|on)$")
_RANK = re.compile(r"role|rank|level|tier|access|permission|position|type|kind", re.IGNORECASE)
_TEXTS = ("text", "varchar", "bpchar", "citext", "name")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_RANKS_TRIED = 3
_ANSWERS_KEPT = 256


@dataclass(frozen=True)
class Standing:
    """What the attacker's membership is made to say.

    Attributes:
        label: the same in words, "" where the membership is gone.
        statements: run by the administrator, one after the other.
        awaited: it was offered and not taken up, so its member may know which tenant it is.
    """

    label: str
    statements: tuple[str, ...]
    awaited: bool = False


@dataclass(frozen=True)
class Standings:
    """Those of the attacker's membership that its table takes: not in force, and of another rank."""

    lapsed: tuple[Standing, ...] = ()
    ranks: tuple[Standing, ...] = ()


NONE_KNOWN = Standings()


def read_standings(session: Session, model: Model, population: Population) -> Standings:
    """Which standings the attacker's membership can have; each is tried, and nothing of it stays."""
    memberships = model.memberships
    rows = population.tables.get(memberships.table) if memberships else None
    if memberships is None or rows is None or ATTACKER not in rows.rows:
        return Standings()
    table, member = model.relations.tables[memberships.table], population.identities[ATTACKER]
    lapsed = [standing for each in _lapsed(model, table, member) for standing in _taken(session, each)]
    if not lapsed:
        ways = [standing for each in _gone(model, table, member) for standing in _taken(session, each)]
        lapsed = ways[:1]
    released = tuple(_without_grants(model, member))
    if released:
        apart = [replace(standing, statements=(*standing.statements, *released)) for standing in lapsed]
        lapsed = [taken for standing in apart for taken in _taken(session, standing)]
    ranks = [s for each in _ranks(model, table, member, rows.rows[ATTACKER]) for s in _taken(session, each)]
    return Standings(tuple(lapsed), tuple(ranks[:_RANKS_TRIED]))


def in_force(table: Table, column: Column) -> str | None:
    """The value with which a column of the memberships lets its member in; None for columns that say nothing of it."""
    if column.base == "bool":
        return "true" if _TRUE_IN_FORCE.match(column.name) else "false" if _TRUE_WHEN_ENDED.match(column.name) else None
    if column.base in TIMES and _IN_FORCE_SINCE.match(column.name):
        return "2000-01-01"
    return _force_of(table, column)


def mightiest(model: Model, table: Table, column: Column) -> str | None:
    """The highest rank that policies or functions know by name; None for columns that give none."""
    if column.base == "bool" or _force_of(table, column) or not _asked(model, column):
        return None
    return next(iter(_ranks_of(model, table, column)), None)


def _force_of(table: Table, column: Column) -> str | None:
    """The word for a membership in force, where the column has words for both."""
    words = _words(table, column)
    if not _first(words, (*_ENDED, *_AWAITED)):
        return None
    return _first(words, _IN_FORCE)


def _lapsed(model: Model, table: Table, member: Identity) -> Iterator[Standing]:
    """Each way in which a membership is there and not in force, by the columns that are asked about it."""
    for column in table.columns.values():
        if column.generated or not _asked(model, column):
            continue
        value = _ended(table, column)
        if value is not None:
            yield _changed(model, table, member, {column.name: value})
        awaited = _first(_words(table, column), _AWAITED)
        if awaited is not None:
            yield _changed(model, table, member, {column.name: awaited}, awaited=True)
        elif column.base in TIMES and _IN_FORCE_SINCE.match(column.name) and column.nullable:
            yield _changed(model, table, member, {column.name: None}, awaited=True)
        elif column.base in TIMES and _EXPIRES_AT.match(column.name):
            yield _changed(model, table, member, {column.name: "2000-01-02"})


def _gone(model: Model, table: Table, member: Identity) -> Iterator[Standing]:
    """Ended by every column that could say it, asked or not; else deleted."""
    ended = {c.name: value for c in table.columns.values() if not c.generated and (value := _over(table, c))}
    if ended:
        yield _changed(model, table, member, ended)
    yield Standing("", (f"delete from {table.sql} where {_own(model, table, member)}",))


def _without_grants(model: Model, member: Identity) -> Iterator[str]:
    """Statements that take from the person what single rows grant, as to the guest of one board, who is no member.

    Such a grant pairs a user and a row of a tenant's in a key. One that pairs a user and a tenant is a membership,
    where it does not end by itself.
    """
    assert model.memberships is not None
    for table in model.relations.base_tables:
        if table.qualified == model.memberships.table:
            continue
        rows = {
            key.columns[0]
            for key in table.foreign_keys
            if len(key.columns) == 1 and key.target != (model.registry and model.registry[0])
            if model.scopes[0].tables[key.target].kind in (Kind.TENANT, Kind.ROW)
        }
        # Granted beside any membership, as support is let in for a day.
        if any(column.base in TIMES and _EXPIRES_AT.match(column.name) for column in table.columns.values()):
            rows |= {column for column in model.tenant_columns if column in table.columns}
        for user in model.user_columns.get(table.qualified, ()):
            if any(set(unique.columns) == {user, row} for unique in table.uniques for row in rows - {user}):
                yield f"delete from {table.sql} where {table.columns[user].sql} = {literal(member.user)}"


def _over(table: Table, column: Column) -> str | None:
    """The value with which a column ends the membership, now or by the time that has passed."""
    expires = column.base in TIMES and _EXPIRES_AT.match(column.name)
    return "2000-01-02" if expires else _ended(table, column)


def _ended(table: Table, column: Column) -> str | None:
    if column.base == "bool" and _TRUE_IN_FORCE.match(column.name):
        return "false"
    if column.base == "bool" and _TRUE_WHEN_ENDED.match(column.name):
        return "true"
    if column.base in TIMES and _ENDED_AT.match(column.name):
        return "2000-01-02"
    return _first(_words(table, column), _ENDED)


def _ranks(model: Model, table: Table, member: Identity, stored: Values) -> Iterator[Standing]:
    """Ranks that policies or functions ask for by name, other than the one the member has."""
    assert model.memberships is not None
    keys = {model.memberships.user_column, model.memberships.tenant_column}
    for column in table.columns.values():
        of_force = in_force(table, column) or _ended(table, column)
        if column.name in keys or column.filled_by_server or of_force or not _asked(model, column):
            continue
        for value in _ranks_of(model, table, column):
            if value != stored.get(column.name) and (column.base, stored.get(column.name)) != ("bool", "t"):
                yield _changed(model, table, member, {column.name: value})


def _taken(session: Session, standing: Standing) -> Iterator[Standing]:
    """The standing if the table takes it; with triggers off where one of them refuses it."""
    for statements in (standing.statements, as_replica(*standing.statements)):
        session.must("begin")
        outcome = session.run(*statements)
        session.must("rollback")
        if not outcome.refused:
            yield replace(standing, statements=statements)
            return


def _ranks_of(model: Model, table: Table, column: Column) -> list[str]:
    """Values of a column that policies and functions know by name, the mightiest first."""
    if column.base == "bool":
        return ["true"]
    if column.base not in _TEXTS and not column.labels:
        return []
    named = set(_found(_LITERAL.pattern, _texts(model)))
    possible = _words(table, column)
    if possible:
        return privileged_first(word for word in possible if word in named)
    if not _RANK.search(column.name):
        return []
    pattern = rf"\b{re.escape(column.name)}\b\)?(?:::\w+)?\s*(?:=|in\b)\s*(?:any\s*)?(\([^)]*\)|'(?:[^']|'')*')"
    compared = " ".join(_found(pattern, _texts(model)))
    return privileged_first(dict.fromkeys(_LITERAL.findall(compared)))


def _asked(model: Model, column: Column) -> bool:
    return bool(_found(rf"(?-i:\b{re.escape(column.name)}\b)", _texts(model)))


@lru_cache(maxsize=_ANSWERS_KEPT)
def _found(pattern: str, text: str) -> tuple[str, ...]:
    """What a pattern matches in all that policies and functions say; asked again for every role."""
    return tuple(re.findall(pattern, text, re.IGNORECASE))


def _texts(model: Model) -> str:
    policies = (policy for table in model.relations.base_tables for policy in table.policies)
    texts = [text for policy in policies for text in policy.texts]
    return "\n".join([*texts, *model.relations.sources.values()])


def _words(table: Table, column: Column) -> list[str]:
    """The words a column may hold, of its enum or its CHECK."""
    words = list(column.labels)
    for check in table.checks:
        if check.columns == (column.name,):
            words += _LITERAL.findall(check.expression)
    return [word for word in dict.fromkeys(words) if word]


def _first(words: Iterable[str], wanted: Iterable[str]) -> str | None:
    known = {word.lower(): word for word in words}
    return next((known[word] for word in wanted if word in known), None)


def _changed(
    model: Model, table: Table, member: Identity, values: Mapping[str, str | None], *, awaited: bool = False
) -> Standing:
    pairs = ", ".join(f"{table.columns[name].sql} = {literal(value)}" for name, value in values.items())
    said = ", ".join(f"{name} = {'null' if value is None else value}" for name, value in values.items())
    return Standing(said, (f"update {table.sql} set {pairs} where {_own(model, table, member)}",), awaited)


def _own(model: Model, table: Table, member: Identity) -> str:
    assert model.memberships is not None
    user, tenant = table.columns[model.memberships.user_column], table.columns[model.memberships.tenant_column]
    return f"{user.sql} = {literal(member.user)} and {tenant.sql} = {literal(member.tenant)}"

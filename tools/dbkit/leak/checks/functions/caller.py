"""Calls of a function: its arguments are the caller's own, the victim's, and every mixture worth trying."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from dbkit.leak.checks.functions.candidates import TEXTS, Candidate, Candidates
from dbkit.leak.checks.functions.catalog import Argument, Routine, Routines, Type
from dbkit.leak.rows import Population
from dbkit.tenancy.model import Model, ScopeModel
from dbkit.tenancy.relations import Table, literal

__all__ = ["Call", "Caller", "injections"]

_PER_FUNCTION = 40
_MIXED = 12
_PRODUCT = 24


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        sql: the statement.
        names: what of the victim's is named in it, a subset of tenant, user, object and value.
        given: texts that went in, which prove nothing when they come out again.
        own: the same statement with the caller's own in the place of the victim's.
        victim: the same statement with the victim's in every place.
    """

    sql: str
    names: frozenset[str]
    given: str
    own: str = ""
    victim: str = ""


class Caller:
    """Makes the calls of one role, from its own rows and the victim's."""

    def __init__(self, model: Model, scope: ScopeModel, population: Population, routines: Routines) -> None:
        self.candidates = Candidates(model, scope, population, routines)

    def calls(self, routine: Routine) -> list[Call]:
        """The calls worth making: the control (every argument the caller's own), the shortest, the rest."""
        lists = self.candidates.of_all(routine)
        control = self._call(routine, tuple(candidates[0] for candidates in lists), frozenset())
        found = {control.sql: control}
        required = len(routine.arguments) - routine.defaults
        short = itertools.islice(_choices(lists[:required]), 4) if routine.defaults and required >= 0 else ()
        mixed: dict[str, Call] = {}
        for candidates in itertools.chain(short, _choices(lists)):
            for victim in _patterns(candidates):
                call = self._call(routine, candidates, victim)
                found.setdefault(call.sql, call)
            for mixture in _mixtures(candidates):
                call = self._call(routine, mixture, frozenset({"object", "value"}))
                mixed.setdefault(call.sql, call)
        plain = list(found.values())[:_PER_FUNCTION]
        return plain + [call for call in mixed.values() if call.sql not in found][:_MIXED]

    def text_calls(self, routine: Routine, number: int, text: str) -> Iterator[Call]:
        """The control call with one argument replaced by a text, e.g. an injected one.

        What is injected behind a condition runs only where rows meet it, so other texts are left empty as well.
        """
        chosen = [candidates[0] for candidates in self.candidates.of_all(routine)]
        texts = [argument.type.base in TEXTS for argument in routine.arguments]
        empty = [Candidate("", "") if is_text else own for own, is_text in zip(chosen, texts, strict=True)]
        for candidates in [chosen, empty] if sum(texts) > 1 else [chosen]:
            candidates[number] = Candidate(text, text)
            yield self._call(routine, tuple(candidates), frozenset())

    def told(self, routine: Routine, text: str) -> Iterator[str]:
        """The victim's call with a text of its own in the place of one argument that names nobody, each in turn."""
        chosen = [candidates[0] for candidates in self.candidates.of_all(routine)]
        for number, (argument, candidate) in enumerate(zip(routine.arguments, chosen, strict=True)):
            if argument.type.base in TEXTS and not candidate.about:
                yield _statement(routine, [text if n == number else each.victim for n, each in enumerate(chosen)])

    def _call(self, routine: Routine, candidates: tuple[Candidate, ...], victim: frozenset[str]) -> Call:
        texts = [candidate.victim if candidate.about in victim else candidate.own for candidate in candidates]
        own = _statement(routine, [candidate.own for candidate in candidates])
        theirs = _statement(routine, [candidate.victim for candidate in candidates])
        return Call(_statement(routine, texts), victim, " ".join(filter(None, texts)), own, theirs)


def injections(tables: list[Table], victims: dict[str, str]) -> Iterator[str]:
    """Texts that, put into dynamic SQL, make the server show the victim's rows in an error or a result.

    Args:
        tables: whose rows to show.
        victims: table -> a condition that only the victim's rows meet.
    """
    for table in tables[:3]:
        show = f"(select cast(string_agg(t::text, '|') as integer) from {table.sql} t where {victims[table.qualified]})"
        yield show
        yield f"{show} = 1"
        yield f"' || {show}::text || '"
        yield f"x' or {show} = 1 --"
        yield f"1) or ({show} = 1"
    for table in tables:
        yield table.sql
        yield table.name


def _choices(lists: list[list[Candidate]]) -> Iterator[tuple[Candidate, ...]]:
    """All combinations where they are few; otherwise each argument's first, then its others alone and in step."""
    number = 1
    for candidates in lists:
        number *= len(candidates)
    if number <= _PRODUCT:
        yield from itertools.product(*lists)
        return
    for step in range(max(map(len, lists), default=0)):
        for place, candidates in enumerate(lists):
            if 0 < step < len(candidates):
                yield tuple(candidates[step] if n == place else each[0] for n, each in enumerate(lists))
        yield tuple(candidates[min(step, len(candidates) - 1)] for candidates in lists)


def _mixtures(candidates: tuple[Candidate, ...]) -> Iterator[tuple[Candidate, ...]]:
    """Where several candidates name rows, one of them the victim's and the others the own: how two rows are merged."""
    named = [n for n, each in enumerate(candidates) if each.about in ("object", "value")]
    for place in named if len(named) > 1 else ():
        yield tuple(
            Candidate(each.own, each.own) if n in named and n != place else each for n, each in enumerate(candidates)
        )


def _patterns(candidates: tuple[Candidate, ...]) -> Iterator[frozenset[str]]:
    """Which of tenant, user, object and value are the victim's: none, all, and every mixture."""
    kinds = sorted({candidate.about for candidate in candidates} - {""})
    yield frozenset()
    for size in range(len(kinds), 0, -1):
        yield from map(frozenset, itertools.combinations(kinds, size))


def _statement(routine: Routine, texts: list[str | None]) -> str:
    parts = [_rendered(argument, text) for argument, text in zip(routine.arguments[: len(texts)], texts, strict=True)]
    parts += ["null"] * routine.outputs
    return f"{'call' if routine.kind == 'p' else 'select'} {routine.sql}({', '.join(parts)})"


def _rendered(argument: Argument, text: str | None) -> str:
    kind: Type = argument.type
    if text is None:
        return f"null::{kind.sql}"
    if kind.kind == "c":
        return f"jsonb_populate_record(null::{kind.sql}, {literal(text)})"
    if kind.kind == "p":  # anyelement and the like
        return "variadic array[" + literal(text) + "]" if argument.variadic else f"{literal(text)}::text"
    if kind.element is not None:
        rendered = f"array[{literal(text)}]::{kind.sql}"
        return f"variadic {rendered}" if argument.variadic else rendered
    return f"{literal(text)}::{kind.sql}"

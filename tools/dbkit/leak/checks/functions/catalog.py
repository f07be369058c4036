"""The functions of a database as an attacker meets them: who may call which, with what arguments, and what it does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from dbkit.catalog import TOOL_SCHEMAS
from dbkit.leak.bodies import BodyFacts, read_body
from dbkit.leak.session import Session
from dbkit.tenancy.relations import Relations, literal

__all__ = ["Argument", "Routine", "Routines", "Type", "read_routines"]

_NOT_CALLED = ("trigger", "event_trigger", "internal", "language_handler", "fdw_handler", "index_am_handler")
_TRANSITIVE_DEPTH = 6
_HANDED_ON = 12

_ROUTINES = """
select p.oid::bigint, n.nspname, p.proname,
    quote_ident(n.nspname) || '.' || quote_ident(p.proname),
    n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    p.prokind::text, p.prosecdef, pg_get_userbyid(p.proowner), l.lanname,
    coalesce(array_to_json(p.proconfig), '[]'), p.proleakproof, p.provolatile = 'v', p.proretset,
    rt.typname, rt.typtype::text, p.pronargdefaults, p.provariadic <> 0,
    coalesce(array_to_json(p.proargnames), '[]'), coalesce(array_to_json(p.proargmodes), '[]'),
    array_to_json(coalesce(p.proallargtypes::bigint[], p.proargtypes::bigint[])),
    case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end,
    (select coalesce(json_agg(r.name), '[]') from unnest({roles}::text[]) r (name)
     where has_function_privilege(r.name, p.oid, 'execute') and has_schema_privilege(r.name, n.oid, 'usage'))
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
join pg_type rt on rt.oid = p.prorettype
where n.nspname not in ('pg_catalog', 'information_schema', {tools}) and n.nspname !~ '^pg_(toast|temp)'
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by n.nspname, p.proname, p.oid
"""
_TYPES = """
with recursive needed (oid) as (
    select unnest({oids}::oid[])
    union
    select t.next
    from needed join pg_type p on p.oid = needed.oid
    left join lateral (
        select p.typbasetype as next union all select p.typelem
        union all select a.atttypid from pg_attribute a
        where a.attrelid = p.typrelid and p.typrelid <> 0 and a.attnum > 0 and not a.attisdropped
        union all select r.rngsubtype from pg_range r where r.rngtypid = p.oid
    ) t on true
    where t.next <> 0
)
select p.oid::bigint, format_type(p.oid, null), p.typname, p.typtype::text, p.typcategory::text,
    p.typbasetype::bigint, case when p.typcategory = 'A' then p.typelem::bigint else 0 end,
    coalesce((select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = p.oid), '[]'),
    coalesce((select json_agg(json_build_array(a.attname, a.atttypid::bigint) order by a.attnum) from pg_attribute a
              where p.typrelid <> 0 and a.attrelid = p.typrelid and a.attnum > 0 and not a.attisdropped), '[]')
from needed join pg_type p on p.oid = needed.oid
"""

_VIEWS = """
select distinct vn.nspname || '.' || v.relname, tn.nspname || '.' || t.relname
from pg_rewrite r join pg_class v on v.oid = r.ev_class join pg_namespace vn on vn.oid = v.relnamespace
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
    and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
join pg_class t on t.oid = d.refobjid join pg_namespace tn on tn.oid = t.relnamespace
where v.relkind in ('v', 'm') and vn.nspname not in ('pg_catalog', 'information_schema')
"""

_TRIGGERS = """
select distinct t.tgfoid::bigint, n.nspname || '.' || c.relname
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where not t.tgisinternal and t.tgenabled <> 'D'
"""


@dataclass(frozen=True)
class Type:
    """A type. `sql` is how a cast names it; `base` is the internal name below domains; `element` is of an array."""

    oid: int
    sql: str
    base: str
    kind: str
    element: Type | None = None
    labels: tuple[str, ...] = ()
    attributes: tuple[tuple[str, Type], ...] = ()


@dataclass(frozen=True)
class Argument:
    """An argument a caller gives."""

    name: str
    type: Type
    variadic: bool = False


@dataclass(frozen=True)
class Routine:
    """A function or procedure (`kind` f, p, a, w as in pg_proc).

    Attributes:
        sql: qualified and quoted name.
        signature: name with its arguments, for people.
        config: its SET clauses, `name=value`.
        roles: app roles that may call it directly.
        outputs: OUT arguments of a procedure, which a call gives as null.
    """

    oid: int
    schema: str
    name: str
    sql: str
    signature: str
    kind: str
    definer: bool
    owner: str
    language: str
    config: tuple[str, ...]
    leakproof: bool
    volatile: bool
    returns_set: bool
    returns: str
    returns_kind: str
    defaults: int
    arguments: tuple[Argument, ...]
    outputs: int
    definition: str
    roles: tuple[str, ...]

    @property
    def qualified(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def callable(self) -> bool:
        """Whether a statement can call it: no trigger function, aggregate or window function."""
        return self.kind in ("f", "p") and self.returns not in _NOT_CALLED

    @property
    def drawn(self) -> bool:
        """Whether it is told of a row by what nobody guesses."""
        return any(argument.type.base in ("uuid", "bytea") for argument in self.arguments)

    @property
    def is_trigger(self) -> bool:
        return self.returns == "trigger"

    @cached_property
    def facts(self) -> BodyFacts:
        if self.language not in ("sql", "plpgsql"):
            return BodyFacts(text=self.definition)
        return read_body(self.definition, self.name, tuple(argument.name for argument in self.arguments))

    @property
    def path(self) -> str | None:
        """Its pinned search_path, None where the caller's applies."""
        return next((value for name, _, value in self._settings() if name == "search_path"), None)

    @property
    def settings(self) -> tuple[str, ...]:
        """Its SET clauses that may change whose rows policies show."""
        return tuple(
            f"{name} = {value}"
            for name, _, value in self._settings()
            if "." in name or name in ("role", "row_security", "session_authorization")
        )

    def _settings(self) -> list[tuple[str, str, str]]:
        return [setting.partition("=") for setting in self.config]


@dataclass
class Routines:
    """Every function of the database that is no extension's and no tool's.

    Attributes:
        views: view -> the relations it reads.
        triggers: oid of a trigger function -> tables it is fired by.
        focus: oids of those to attack, None for all.
    """

    all: list[Routine] = field(default_factory=list)
    views: dict[str, list[str]] = field(default_factory=dict)
    triggers: dict[int, list[str]] = field(default_factory=dict)
    focus: frozenset[int] | None = None

    @property
    def attacked(self) -> list[Routine]:
        return [routine for routine in self.all if self.focus is None or routine.oid in self.focus]

    def named(self, schema: str, name: str) -> list[Routine]:
        """Functions a call may mean; without a schema any of that name."""
        return [routine for routine in self._by_name.get(name, ()) if schema in ("", routine.schema)]

    @cached_property
    def _by_name(self) -> dict[str, list[Routine]]:
        found: dict[str, list[Routine]] = {}
        for routine in self.all:
            found.setdefault(routine.name, []).append(routine)
        return found

    def reached(self, routine: Routine, apart: Callable[[Routine], bool] | None = None) -> list[Routine]:
        """The function and those it calls, directly or through others.

        Args:
            apart: functions that are looked at by themselves, so that they are left out and not gone through.
        """
        found, fresh = [routine], [routine]
        for _ in range(_TRANSITIVE_DEPTH):
            fresh = [
                callee
                for caller in fresh
                for schema, name, _count in sorted(caller.facts.calls)
                for callee in self.named(schema, name)
                if callee not in found and not (apart and apart(callee))
            ]
            found += dict.fromkeys(fresh)
        return found

    def arguments_met(self, routine: Routine, number: int) -> list[tuple[Routine, int]]:
        """The argument, and those of other functions that it is handed on as."""
        found = [(routine, number)]
        for caller, given in found:  # grows while it is walked
            for passed in caller.facts.passed:
                for callee in self.named(passed.schema, passed.name) if passed.argument == given else ():
                    names = [argument.name for argument in callee.arguments]
                    place = names.index(passed.place) if passed.place in names else passed.place
                    met = (callee, place)
                    if isinstance(place, int) and place < len(names) and met not in found and len(found) < _HANDED_ON:
                        found.append((callee, place))
        return found

    def tables(
        self, routine: Routine, relations: Relations, apart: Callable[[Routine], bool] | None = None
    ) -> list[str]:
        """Qualified names of the tables it touches, through functions and views too.

        Args:
            apart: functions that are looked at by themselves.
        """
        names: list[str] = []
        for each in self.reached(routine, apart):
            for schema, name in sorted(each.facts.relations):
                names += _resolve(schema, name, relations)
        for name in names:  # grows while it is walked: views of views
            names += [table for table in self.views.get(name, ()) if table not in names]
        return list(dict.fromkeys(names))

    def written(
        self, routine: Routine, relations: Relations, apart: Callable[[Routine], bool] | None = None
    ) -> list[str]:
        """Qualified names of the tables it writes by name, through functions too.

        Args:
            apart: functions that are looked at by themselves.
        """
        reached = self.reached(routine, apart)
        return [name for each in reached for told in sorted(each.facts.written) for name in _resolve(*told, relations)]

    def any_of(self, routine: Routine, fact: str) -> bool:
        """Whether the function or one it calls is, for example, `dynamic`."""
        return any(getattr(each.facts, fact) for each in self.reached(routine))


def read_routines(session: Session, app_roles: Iterable[str], focus: frozenset[int] | None = None) -> Routines:
    """Read every function and what of it the app roles may call.

    Args:
        focus: oids of the functions to attack, None for all.
    """
    roles = literal("{" + ",".join('"' + name.replace('"', '\\"') + '"' for name in app_roles) + "}")
    rows = session.must(_ROUTINES.format(roles=roles, tools=", ".join(map(literal, TOOL_SCHEMAS)))).rows
    oids = sorted({oid for row in rows for oid in json.loads(row[19] or "[]")})
    types = _read_types(session, oids)
    views: dict[str, list[str]] = {}
    for view, table in session.must(_VIEWS).rows:
        views.setdefault(view or "", []).append(table or "")
    triggers: dict[int, list[str]] = {}
    for function, table in session.must(_TRIGGERS).rows:
        triggers.setdefault(int(function or 0), []).append(table or "")
    return Routines([_routine(row, types) for row in rows], views, triggers, focus)


def _read_types(session: Session, oids: list[int]) -> dict[int, Type]:
    raw = {}
    for row in session.must(_TYPES.format(oids=literal("{" + ",".join(map(str, oids)) + "}"))).rows:
        raw[int(row[0] or 0)] = row
    made: dict[int, Type] = {}

    def make(oid: int) -> Type:
        if oid not in made:
            _, sql, name, kind, _, below, element, labels, attributes = raw[oid]
            base = make(int(below)) if below and int(below) else None
            made[oid] = Type(
                oid,
                sql or "",
                base.base if base else name or "",
                base.kind if base else kind or "",
                make(int(element)) if element and int(element) else base.element if base else None,
                base.labels if base else tuple(json.loads(labels or "[]")),
                base.attributes if base else tuple((a, make(int(t))) for a, t in json.loads(attributes or "[]")),
            )
        return made[oid]

    for oid in raw:
        make(oid)
    return made


def _routine(row: tuple[str | None, ...], types: dict[int, Type]) -> Routine:
    text = [value or "" for value in row]
    names, modes, oids = (json.loads(text[number] or "[]") for number in (17, 18, 19))
    modes = modes or ["i"] * len(oids)
    names = names or [""] * len(oids)
    arguments = tuple(
        Argument(name or "", types[int(oid)], mode == "v")
        for name, mode, oid in zip(names, modes, oids, strict=False)
        if mode in ("i", "b", "v")
    )
    flags = [value == "t" for value in (text[6], text[10], text[11], text[12])]
    return Routine(
        oid=int(text[0]),
        schema=text[1],
        name=text[2],
        sql=text[3],
        signature=text[4],
        kind=text[5],
        definer=flags[0],
        owner=text[7],
        language=text[8],
        config=tuple(json.loads(text[9])),
        leakproof=flags[1],
        volatile=flags[2],
        returns_set=flags[3],
        returns=text[13],
        returns_kind=text[14],
        defaults=int(text[15] or 0),
        arguments=arguments,
        outputs=modes.count("o") if text[5] == "p" else 0,
        definition=text[20],
        roles=tuple(json.loads(text[21] or "[]")),
    )


def _resolve(schema: str, name: str, relations: Relations) -> list[str]:
    """Qualified names of relations that a mention may mean."""
    if schema:
        return [f"{schema}.{name}"] if f"{schema}.{name}" in relations.tables else []
    return [table.qualified for table in relations.tables.values() if table.name == name]

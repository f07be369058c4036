"""Who reaches what in the unmutated database: the effective privileges that decide which mutants could matter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbkit.leak.checks import bypasses
from dbkit.leak.mutate.conditions import calls
from dbkit.tenancy.model import Model, TableModel
from dbkit.tenancy.relations import Policy, Role, Table

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["Function", "Reach", "View", "sql_name"]

_USAGE = """
select r.name, n.nspname from unnest(%s::text[]) r (name) cross join pg_namespace n
where has_schema_privilege(r.name, n.oid, 'usage')
"""
_FUNCTIONS = """
select n.nspname, p.proname, p.oid::regprocedure::text, quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '('
       || pg_get_function_identity_arguments(p.oid) || ')',
    pg_get_userbyid(p.proowner), p.prosecdef, l.lanname, p.prorettype::regtype::text, p.proretset,
    p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype), p.pronargs,
    coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), pg_get_functiondef(p.oid),
    array(select r.name from unnest(%s::text[]) r (name)
          where has_function_privilege(r.name, p.oid, 'execute') and has_schema_privilege(r.name, n.oid, 'usage')),
    array(select distinct t.tgrelid::bigint from pg_trigger t where t.tgfoid = p.oid and not t.tgisinternal),
    array(select distinct t.tgrelid::bigint from pg_trigger t
          where t.tgfoid = p.oid and not t.tgisinternal and t.tgtype & 66 <> 0),
    p.oid::bigint
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
  and p.prokind in ('f', 'p') and l.lanname in ('sql', 'plpgsql')
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
order by 1, 2, 3
"""
_VIEWS = """
select n.nspname || '.' || c.relname, pg_get_viewdef(c.oid), pg_get_userbyid(c.relowner),
    coalesce((select o.option_value::bool from pg_options_to_table(c.reloptions) o
              where o.option_name = 'security_invoker'), false),
    coalesce((select o.option_value::bool from pg_options_to_table(c.reloptions) o
              where o.option_name = 'security_barrier'), false),
    array(select distinct d.refobjid::bigint from pg_depend d join pg_rewrite w on w.oid = d.objid
          where w.ev_class = c.oid and d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
            and d.refobjid <> c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'v' and n.nspname not in ('pg_catalog', 'information_schema')
order by 1
"""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Function:
    """A function in SQL or PL/pgSQL.

    Attributes:
        signature: as `regprocedure` prints it.
        sql: name and arguments as ALTER FUNCTION takes them.
        body: the body's text, `return …` or `begin atomic … end` for a parsed one.
        definition: the whole CREATE OR REPLACE FUNCTION statement.
        callers: app roles that may call it.
        triggers_on: tables it is a trigger of, as oids.
        guards_on: those of them whose rows pass it before they are written.
    """

    schema: str
    name: str
    signature: str
    sql: str
    owner: str
    definer: bool
    language: str
    returns: str
    returns_set: bool
    is_trigger: bool
    argument_count: int
    body: str
    definition: str
    callers: Sequence[str]
    triggers_on: Sequence[int]
    guards_on: Sequence[int]
    oid: int


@dataclass(frozen=True)
class View:
    """A view: `reads` are the oids of what it selects from."""

    name: str
    definition: str
    owner: str
    invoker: bool
    barrier: bool
    reads: Sequence[int]


class Reach:
    """The unmutated catalog, asked in terms of app roles.

    Attributes:
        roles: app roles that row security applies to.
        functions: by signature.
    """

    def __init__(self, connection: Connection[Any], model: Model) -> None:
        self.model = model
        names = list(model.declaration.app_roles)
        self.roles: list[Role] = [r for r in map(model.relations.roles.__getitem__, names) if not bypasses(r)]
        self.usage = set(connection.execute(_USAGE, (names,)).fetchall())
        self.functions: dict[str, Function] = {}
        for row in connection.execute(_FUNCTIONS, (names,)).fetchall():
            function = Function(*row)
            self.functions[function.signature] = function
        self.views = [View(*row) for row in connection.execute(_VIEWS).fetchall()]
        self._by_oid = {table.oid: table for table in model.relations.tables.values()}

    # Roles and tables

    def tables(self) -> Iterator[tuple[Role, TableModel]]:
        """Every (app role, table as its scope sees it)."""
        for scope in self.model.scopes:
            for role in self.roles:
                if role.name in scope.scope.app_roles:
                    for table in scope.tables.values():
                        yield role, table

    def protected(self) -> list[Table]:
        """Tables that hold tenants' rows for any app role, once each."""
        found = {table.table.qualified: table.table for _, table in self.tables() if table.protected}
        return list(found.values())

    def may(self, role: Role, table: Table, privilege: str) -> bool:
        return self.model.relations.privileges[role.name, table.qualified].may(privilege)

    def columns(self, role: Role, table: Table, privilege: str) -> frozenset[str]:
        return self.model.relations.privileges[role.name, table.qualified].columns.get(privilege, frozenset())

    def uses_schema(self, role: Role, table: Table) -> bool:
        return (role.name, table.schema) in self.usage

    def reaches(self, table: Table, *privileges: str) -> list[Role]:
        """App roles with one of these privileges on the table."""
        return [role for role in self.roles if any(self.may(role, table, privilege) for privilege in privileges)]

    def admits(self, role: Role, policy: Policy) -> bool:
        """Whether the policy is one of this role's."""
        return bool({"public", role.name, *role.may_become} & set(policy.roles))

    def by_oid(self, oid: int) -> Table | None:
        return self._by_oid.get(oid)

    # Functions

    @cached_property
    def called(self) -> dict[str, frozenset[str]]:
        """Function -> functions of the database that its body calls, by signature; overloads count together."""
        by_name: dict[str, list[Function]] = {}
        for function in self.functions.values():
            by_name.setdefault(function.name, []).append(function)
        found = {}
        for function in self.functions.values():
            targets = {
                other.signature
                for call in calls(function.body)
                for other in by_name.get(call.name, ())
                if call.schema in ("", other.schema)
            }
            found[function.signature] = frozenset(targets - {function.signature})
        return found

    def closure(self, start: Iterable[str]) -> set[str]:
        """These functions and all that they call."""
        found: set[str] = set()
        waiting = list(start)
        while waiting:
            signature = waiting.pop()
            if signature not in found:
                found.add(signature)
                waiting += self.called[signature]
        return found

    def named_in(self, texts: Iterable[str]) -> set[str]:
        """Functions that these expressions or statements call."""
        wanted = {(call.schema, call.name) for text in texts for call in calls(text)}
        return {
            function.signature
            for function in self.functions.values()
            if (function.schema, function.name) in wanted or ("", function.name) in wanted
        }

    @cached_property
    def _callers(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {signature: set() for signature in self.functions}
        for caller, targets in self.called.items():
            for target in targets:
                found[target].add(caller)
        return found

    def behind(self, signature: str) -> set[str]:
        """The function and all that call it, directly or through others: what does otherwise when it does."""
        found: set[str] = set()
        waiting = [signature]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._callers[name]
        return found

    @cached_property
    def _asked(self) -> dict[str, set[str]]:
        """Table or view -> functions that decide which of its rows are read or written.

        Those of its policies, defaults, checks and triggers before the write, or of its definition.
        """
        found: dict[str, set[str]] = {}
        relations = self.model.relations
        for table in relations.tables.values():
            columns = table.columns.values()
            checks = [*table.checks, *(c for each in columns for d in each.domains for c in relations.domain_checks[d])]
            texts = [text for policy in table.policies for text in policy.texts]
            texts += [column.default for column in columns if column.default]
            texts += [check.expression for check in checks]
            found[table.qualified] = self.named_in(texts)
        for view in self.views:
            found.setdefault(view.name, set()).update(self.named_in([view.definition]))
        for signature, function in self.functions.items():
            for oid in function.guards_on:
                if oid in self._by_oid:
                    found[self._by_oid[oid].qualified].add(signature)
        return found

    def definers_of(self, *tables: str) -> frozenset[int]:
        """Functions that reach one of these tables with their owner's rights, as oids."""
        names = {self.model.relations.tables[table].name for table in tables}
        return frozenset(
            function.oid
            for signature, function in self.functions.items()
            for reached in [[self.functions[name] for name in self.closure([signature])]]
            if any(each.definer for each in reached) and any(names & set(_WORD.findall(each.body)) for each in reached)
        )

    def tables_behind(self, signatures: Set[str]) -> frozenset[str]:
        """Tables and views that show or take other rows when one of these functions does otherwise."""
        return frozenset(name for name, asked in self._asked.items() if asked & signatures)

    def fired_by(self, signatures: Set[str]) -> frozenset[str]:
        """Tables whose triggers run one of these functions."""
        oids = {oid for signature in signatures for oid in self.functions[signature].triggers_on}
        return frozenset(self._by_oid[oid].qualified for oid in oids if oid in self._by_oid)

    @cached_property
    def context_functions(self) -> set[str]:
        """What the context statements call, directly or through others."""
        return self.closure(self.named_in([text for scope in self.model.scopes for text in scope.scope.context]))

    @cached_property
    def guards(self) -> set[str]:
        """Functions that decide about the context: what policies call, what the context statement calls, and theirs."""
        policies = [
            text for table in self.model.relations.tables.values() for policy in table.policies for text in policy.texts
        ]
        return self.closure(self.named_in(policies)) | self.context_functions

    @cached_property
    def readers(self) -> set[str]:
        """Functions through which the context is read: their bodies, or those they call, ask for a setting."""
        direct = {s for s, function in self.functions.items() if "current_setting" in function.body.lower()}
        return {signature for signature in self.functions if self.closure([signature]) & direct}

    @cached_property
    def definers(self) -> set[str]:
        """Definer functions that a request runs: called by an app role, or by a trigger of a table it writes."""
        found = set()
        for function in self.functions.values():
            tables = [self._by_oid[oid] for oid in function.triggers_on if oid in self._by_oid]
            triggered = any(self.reaches(table, "insert", "update", "delete") for table in tables)
            if function.definer and (triggered if function.is_trigger else function.callers):
                found.add(function.signature)
        return found

    @cached_property
    def owners(self) -> set[str]:
        """Roles whose rights a request borrows through a definer function or a view."""
        found = {self.functions[signature].owner for signature in self.definers}
        for view in self.views:
            table = self.model.relations.tables.get(view.name)
            if table is not None and not view.invoker and self.reaches(table, "select", "insert", "update", "delete"):
                found.add(view.owner)
        return found


def sql_name(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'

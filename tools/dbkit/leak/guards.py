"""What guards a database, as plain values: the facts that `--against` compares and a saved report carries.

Only what app roles effectively reach counts, so who was granted a privilege through which role makes no difference.
"""

from __future__ import annotations

from typing import Any

from dbkit.leak.session import Session
from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import Table, literal

__all__ = ["Guards", "read_guards"]

Guards = dict[str, dict[str, Any]]
"""kind (tables, views, functions, roles, others) -> name -> facts; plain values that JSON keeps as they are."""

_VIEWS = """
select n.nspname || '.' || c.relname, pg_get_viewdef(c.oid),
    coalesce((select option_value::boolean from pg_options_to_table(c.reloptions)
              where option_name = 'security_invoker'), false),
    coalesce((select string_agg(option_name || '=' || option_value, ', ' order by option_name)
              from pg_options_to_table(c.reloptions)
              where option_name in ('security_barrier', 'check_option')), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('v', 'm')
"""
_FUNCTIONS = """
select n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    p.prosecdef, p.proleakproof, p.provolatile::text, pg_get_userbyid(p.proowner), array_to_string(p.proconfig, ', '),
    md5(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)),
    array_to_string(array(select r.name from unnest({roles}::text[]) r (name)
          where has_function_privilege(r.name, p.oid, 'execute') and has_schema_privilege(r.name, n.oid, 'usage')
          order by 1), ','),
    exists (select from pg_depend d where d.classid = 'pg_policy'::regclass
            and d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid)
    or exists (select from pg_trigger t where t.tgfoid = p.oid)
    or position(n.nspname || '.' || p.proname || '(' in {context}) > 0
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_temp'
  and p.prokind in ('f', 'p') and p.prorettype <> 'event_trigger'::regtype
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
"""
# What else opens a way to rows: kind, name, and its text; a change of any of them is for a person to look at.
_OTHERS = """
select 'rule ' || rulename || ' on ' || schemaname || '.' || tablename, definition from pg_rules
where schemaname not in ('pg_catalog', 'information_schema')
union all
select 'publication ' || pubname || ' of ' || schemaname || '.' || tablename, coalesce(rowfilter, 'every row')
from pg_publication_tables
union all
select 'foreign key ' || conname || ' on ' || n.nspname || '.' || c.relname, pg_get_constraintdef(k.oid)
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where k.contype = 'f' and k.confdeltype in ('c', 'n', 'd')
union all
select 'objects of ' || r.name || ' in schema ' || n.nspname, 'may be created'
from pg_namespace n cross join unnest({roles}::text[]) r (name)
where n.nspname !~ '^pg_' and has_schema_privilege(r.name, n.oid, 'create')
"""
_TABLE_PRIVILEGES = ("select", "insert", "update", "delete", "truncate", "references", "trigger")


def read_guards(session: Session, model: Model) -> Guards:
    """Every table, view and function that guards or opens rows, and the app roles."""
    roles = model.declaration.app_roles
    columns = {name: table.column for scope in reversed(model.scopes) for name, table in scope.tables.items()}
    kinds = {name: str(table.kind) for name, table in model.scopes[0].tables.items()}
    tables = {
        name: {"kind": kinds.get(name, ""), "tenant_column": columns.get(name), **_table(table), **_keys(table)}
        | {"privileges": _privileges(model, name)}
        for name, table in model.relations.tables.items()
        if table.kind in ("r", "p", "f")
    }
    views = {}
    for name, definition, invoker, options in session.must(_VIEWS).rows:
        table = model.relations.tables.get(name or "")
        if table is not None:
            views[table.qualified] = {
                "materialized": table.kind == "m",
                "owner": table.owner,
                "security_invoker": invoker == "t",
                "options": options,
                "definition": definition,
                "privileges": _privileges(model, table.qualified),
            }
    listed = literal("{" + ",".join(f'"{name}"' for name in roles) + "}")
    return {
        "tables": tables,
        "views": views,
        "functions": _functions(session, model, listed),
        "roles": _roles(model, roles),
        "others": {str(name): {"text": text} for name, text in session.must(_OTHERS.format(roles=listed)).rows},
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "owner": table.owner,
        "row_security": table.rls,
        "forced": table.forced,
        "policies": {
            policy.name: {
                "command": policy.command,
                "permissive": policy.permissive,
                "roles": sorted(policy.roles),
                "using": policy.using,
                "check": policy.check,
            }
            for policy in table.policies
        },
    }


def _keys(table: Table) -> dict[str, Any]:
    return {
        "foreign_keys": {key.name: {"columns": list(key.columns), "target": key.target} for key in table.foreign_keys},
        "unique_keys": {key.name: [name or "(expression)" for name in key.columns] for key in table.uniques},
    }


def _privileges(model: Model, name: str) -> dict[str, dict[str, Any]]:
    """App role -> privilege -> true where it holds on the whole table, else the columns it holds on."""
    found: dict[str, dict[str, Any]] = {}
    for role in model.declaration.app_roles:
        held = model.relations.privileges[role, name]
        privileges: dict[str, Any] = {}
        for privilege in _TABLE_PRIVILEGES:
            if privilege in held.table:
                privileges[privilege] = True
            elif held.columns.get(privilege):
                privileges[privilege] = sorted(held.columns[privilege])
        found[role] = privileges
    return found


def _functions(session: Session, model: Model, roles: str) -> dict[str, Any]:
    """Functions that app roles may call, policies ask, triggers run, or the context runs."""
    context = literal(" ".join(text for scope in model.scopes for text in scope.scope.context))
    found = {}
    for name, definer, leakproof, volatility, owner, settings, body, callers, asked in session.must(
        _FUNCTIONS.format(roles=roles, context=context)
    ).rows:
        if callers or asked == "t":
            found[str(name)] = {
                "security_definer": definer == "t",
                "leakproof": leakproof == "t",
                "immutable": volatility == "i",
                "owner": owner,
                "settings": settings or "",
                "body": body,
                "callers": callers.split(",") if callers else [],
                "guards": asked == "t",
            }
    return found


def _roles(model: Model, names: tuple[str, ...]) -> dict[str, Any]:
    roles = (model.relations.roles[name] for name in names)
    return {
        role.name: {
            "superuser": role.superuser,
            "bypass_rls": role.bypass_rls,
            "may_become": sorted(role.may_become),
        }
        for role in roles
    }

"""Database in, snapshot out: run the catalog queries in one pipelined read-only transaction and assemble the model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from dbkit.catalog import model, queries
from dbkit.catalog.grants import parse_acl
from dbkit.catalog.other_queries import OTHER_OBJECTS
from dbkit.conninfo import cannot_connect, refuse_old_server
from dbkit.errors import DbkitError

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["TOOL_SCHEMAS", "read_in_transaction", "snapshot"]

TOOL_SCHEMAS = ("dbkit", "tap", "tests")
"""Left out by default: the migration ledger, pgTAP where it is not an extension, and test helpers."""

Row = dict[str, Any]
Rows = list[Row]
_T = TypeVar("_T")

_QUERIES = {
    "database": queries.DATABASE,
    "roles": queries.ROLES,
    "memberships": queries.MEMBERSHIPS,
    "extensions": queries.EXTENSIONS,
    "relations": queries.RELATIONS,
    "columns": queries.COLUMNS,
    "constraints": queries.CONSTRAINTS,
    "indexes": queries.INDEXES,
    "triggers": queries.TRIGGERS,
    "policies": queries.POLICIES,
    "rules": queries.RULES,
    "dependencies": queries.DEPENDENCIES,
    "functions": queries.FUNCTIONS,
    "domains": queries.DOMAINS,
    "types": queries.TYPES,
    "sequences": queries.SEQUENCES,
    "statistics": queries.STATISTICS,
    "default_privileges": queries.DEFAULT_PRIVILEGES,
    "others": OTHER_OBJECTS,
    "cron_sources": queries.CRON_SOURCES,
}


def snapshot(
    conninfo: str, schemas: Sequence[str] | None = None, *, ignore: Collection[str] = TOOL_SCHEMAS
) -> model.Snapshot:
    """Read one normalized picture of a database.

    Reads in a repeatable-read, read-only transaction of its own connection, in four round trips.

    Args:
        conninfo: libpq connection string or URL; any role that may read the catalogs will do.
        schemas: schemas to read, absent ones are simply not in the result; None reads every schema but the system's,
            and the database-wide objects (casts, publications, event triggers, cron jobs, …) too.
        ignore: schemas left out where `schemas` is None.

    Raises:
        DbkitError: the server cannot be reached or refuses a query.
    """
    return read_in_transaction(conninfo, {}, schemas, ignore=ignore)[0]


def read_in_transaction(
    conninfo: str,
    further: Mapping[str, tuple[str, Mapping[str, Any] | None]],
    schemas: Sequence[str] | None = None,
    *,
    ignore: Collection[str] = TOOL_SCHEMAS,
) -> tuple[model.Snapshot, dict[str, Rows]]:
    """A snapshot, and the rows of further named queries (text, parameters) from the same transaction.

    Raises:
        DbkitError: as `snapshot`.
    """
    import psycopg
    from psycopg.rows import dict_row

    try:
        with psycopg.connect(conninfo, row_factory=dict_row, autocommit=True) as connection:
            refuse_old_server(connection.info.server_version)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.transaction():
                return _read(connection, schemas, ignore), _pipelined(connection, further)
    except psycopg.OperationalError as error:
        raise cannot_connect(conninfo, str(error), message="cannot read the database") from None
    except psycopg.Error as error:
        raise DbkitError(
            "cannot read the catalogs",
            detail=f"{str(error).strip()} (SQLSTATE {error.sqlstate}).",
            hint="Connect as a role that may read the catalogs, such as the owner of the database.",
        ) from error


def _read(connection: Connection[Row], schemas: Sequence[str] | None, ignore: Collection[str]) -> model.Snapshot:
    connection.execute(queries.SESSION)
    listed = connection.execute(queries.SCHEMAS).fetchall()
    chosen = [row for row in listed if (row["name"] not in ignore if schemas is None else row["name"] in schemas)]
    parameters = {"schemas": [row["oid"] for row in chosen], "everything": schemas is None}
    rows = _pipelined(connection, {name: (query, parameters) for name, query in _QUERIES.items()})
    sources = [row["name"] for row in rows["cron_sources"]] if schemas is None else []
    cron = _pipelined(connection, {source: (queries.cron_rows(source), None) for source in sources})
    columns = _by_relation(model.Column, rows["columns"])
    tables, views = _relations(rows, columns)
    result = model.Snapshot(
        database=_build(model.Database, rows["database"][0]),
        schemas=_keyed(model.Schema, (row for row in chosen if not row["extension_owned"]), "name"),
        extensions=_keyed(model.Extension, rows["extensions"], "name"),
        domains=_domains(rows),
        types={row["key"]: _build(model.Type, row, columns=columns[row["relation_oid"]]) for row in rows["types"]},
        sequences=_keyed(model.Sequence, rows["sequences"], "key"),
        tables=tables,
        views=views,
        functions=_keyed(model.Function, rows["functions"], "key"),
        statistics=_keyed(model.Statistics, rows["statistics"], "key"),
        default_privileges=_default_privileges(rows["default_privileges"]),
        others={f"{row['kind']} {row['name']}": _build(model.OtherObject, row) for row in rows["others"]},
        cron_jobs={f"{source} {row['name']}": _build(model.CronJob, row) for source in sources for row in cron[source]},
        cron_sources=tuple(sources),
        excluded_schemas=tuple(row["name"] for row in listed if row not in chosen),
    )
    return replace(result, roles=_roles(rows, _referenced_roles(result)))


def _pipelined(
    connection: Connection[Row], named: Mapping[str, tuple[str, Mapping[str, Any] | None]]
) -> dict[str, Rows]:
    """Send every query before the first answer is read: one round trip for all of them."""
    with connection.pipeline():
        cursors = {name: connection.execute(query, parameters) for name, (query, parameters) in named.items()}
        return {name: cursor.fetchall() for name, cursor in cursors.items()}


@cache
def _fields_of(cls: type) -> tuple[tuple[str, bool], ...]:
    """The fields of a dataclass and whether each holds an array."""
    return tuple((item.name, str(item.type).startswith("tuple")) for item in fields(cls))


def _build(cls: type[_T], row: Mapping[str, Any], **more: Any) -> _T:
    """A dataclass from a row: an array becomes a tuple (NULL: empty), an acl grants; what has no field is dropped."""
    values = {}
    for name, is_array in _fields_of(cls):  # type: ignore[arg-type]
        if name in more:
            values[name] = more[name]
        elif name == "acl":
            values[name] = parse_acl(row[name] or (), row.get("owner") or row.get("role"))
        elif name in row:
            values[name] = tuple(row[name] or ()) if is_array else row[name]
    return cls(**values)


def _keyed(cls: type[_T], rows: Iterable[Row], key: str) -> dict[str, _T]:
    return {row[key]: _build(cls, row) for row in rows}


def _by_relation(cls: type[_T], rows: Iterable[Row], **more: dict[int, tuple[str, ...]]) -> dict[int, dict[str, _T]]:
    """Parts of relations: relation oid -> name -> part. `more` gives derived fields by the part's own oid."""
    parts: dict[int, dict[str, _T]] = defaultdict(dict)
    for row in rows:
        derived = {name: by_oid.get(row["oid"], ()) for name, by_oid in more.items()}
        parts[row["relation_oid"]][row["name"]] = _build(cls, row, **derived)
    return parts


def _dependencies(rows: Rows, source: str, target: str) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        if row["class"] == source and row[target]:
            found[row["oid"]].append(row[target])
    return {oid: tuple(names) for oid, names in found.items()}


def _relations(
    rows: Mapping[str, Rows], columns: Mapping[int, dict[str, model.Column]]
) -> tuple[dict[str, model.Table], dict[str, model.View]]:
    """The tables and the views with everything that hangs on them."""
    depends = rows["dependencies"]
    policies = _by_relation(
        model.Policy,
        rows["policies"],
        reads=_dependencies(depends, "policy", "relation"),
        calls=_dependencies(depends, "policy", "function"),
    )
    parts: dict[str, Mapping[int, Any]] = {
        "columns": columns,
        "indexes": _by_relation(model.Index, rows["indexes"]),
        "triggers": _by_relation(model.Trigger, rows["triggers"]),
        "rules": _by_relation(model.Rule, rows["rules"]),
        "constraints": _by_relation(model.Constraint, rows["constraints"]),
        "policies": policies,
    }
    reads, calls = (_dependencies(depends, "view", target) for target in ("relation", "function"))
    tables, views = {}, {}
    for row in rows["relations"]:
        oid = row["oid"]
        hanging: dict[str, Any] = {name: by_oid.get(oid, {}) for name, by_oid in parts.items()}
        if "view" in row["kind"]:
            hanging.update(reads=reads.get(oid, ()), calls=calls.get(oid, ()))
            views[row["key"]] = _build(model.View, row, **hanging)
        else:
            tables[row["key"]] = _build(model.Table, row, **hanging)
    return tables, views


def _domains(rows: Mapping[str, Rows]) -> dict[str, model.Domain]:
    constraints: dict[int, dict[str, model.Constraint]] = defaultdict(dict)
    for row in rows["constraints"]:
        if row["domain_oid"]:
            constraints[row["domain_oid"]][row["name"]] = _build(model.Constraint, row)
    return {
        row["key"]: _build(model.Domain, row, constraints=constraints.get(row["oid"], {})) for row in rows["domains"]
    }


def _default_privileges(rows: Rows) -> dict[str, model.DefaultPrivileges]:
    found = {}
    for row in rows:
        where = f" in schema {row['schema']}" if row["schema"] else ""
        found[f"{row['role']}{where} on {row['objects']}"] = _build(model.DefaultPrivileges, row)
    return found


def _referenced_roles(taken: model.Snapshot) -> set[str]:
    """Names of roles that own, are granted or are named by a policy of something in the snapshot."""
    names: set[str] = set()
    holders: list[Any] = [*taken.schemas.values(), *taken.relations(), *taken.functions.values()]
    holders += [*taken.sequences.values(), *taken.domains.values(), *taken.types.values(), *taken.others.values()]
    holders += [column for relation in taken.relations() for column in relation.columns.values()]
    holders += [*taken.default_privileges.values(), *taken.statistics.values()]
    for holder in holders:
        names.update(grant.grantee for grant in getattr(holder, "acl", ()))
        names.update(name for name in (getattr(holder, "owner", None), getattr(holder, "role", None)) if name)
    for table in taken.tables.values():
        for policy in table.policies.values():
            names.update(policy.roles)
    return names - {model.PUBLIC}


def _roles(rows: Mapping[str, Rows], referenced: set[str]) -> dict[str, model.Role]:
    groups: dict[str, list[model.Membership]] = defaultdict(list)
    for row in rows["memberships"]:
        groups[row["role"]].append(_build(model.Membership, row))
    return {
        row["name"]: _build(model.Role, row, member_of=tuple(groups[row["name"]]), referenced=row["name"] in referenced)
        for row in rows["roles"]
    }

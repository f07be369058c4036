"""The committed list of survivors: which mutants the proof may miss, and why that is right.

[[survivor]]
mutant = "to-public rental.*.owners_*"     # a mutant's id; * and ? stand for anything and one character
reason = "A renter who is a member of the tenant is inside it."
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from dbkit.errors import DbkitError

__all__ = ["Explained", "load_survivors"]


@dataclass(frozen=True)
class Explained:
    """One entry: `mutant` is an id, in which * and ? stand for anything and for one character."""

    mutant: str
    reason: str

    def matches(self, mutant_id: str) -> bool:
        # Not fnmatch: the brackets of a condition are meant as they are.
        pattern = re.escape(self.mutant).replace(r"\*", ".*").replace(r"\?", ".")
        return re.fullmatch(pattern, mutant_id, re.DOTALL) is not None


def load_survivors(file: Path) -> list[Explained]:
    """The entries of a list.

    Raises:
        DbkitError: the file is missing, is no TOML, or an entry lacks its mutant or its reason.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, IsADirectoryError):
        raise DbkitError(
            f"list of survivors not found: {file}",
            detail="survivors under [tenancy] names it; the path is relative to the file that says so.",
            hint="Correct the path, or remove the line.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DbkitError(f"cannot read {file}", detail=f"{error}.", hint="Mend the TOML at that place.") from None
    entries = raw.pop("survivor", [])
    if raw or not isinstance(entries, list):
        raise _bad(file, f"It holds {', '.join(raw) or 'no list'} beside the survivors.")
    return [_entry(file, number, entry) for number, entry in enumerate(entries, start=1)]


def _entry(file: Path, number: int, entry: object) -> Explained:
    if not isinstance(entry, dict) or set(entry) != {"mutant", "reason"}:
        raise _bad(file, f"Entry {number} has other keys than mutant and reason.")
    for key, value in entry.items():
        if not isinstance(value, str) or not value.strip():
            raise _bad(file, f"Entry {number}: {key} is empty or no text.")
    return Explained(entry["mutant"], entry["reason"])


def _bad(file: Path, detail: str) -> DbkitError:
    return DbkitError(
        f"bad list of survivors: {file}",
        detail=detail,
        hint='Write each survivor as [[survivor]] with mutant = "…" and reason = "…".',
    )

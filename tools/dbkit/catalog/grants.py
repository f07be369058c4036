"""Privileges as a snapshot holds them, and how a field says that it is not compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dbkit.errors import DbkitError

__all__ = [
    "DERIVED",
    "PUBLIC",
    "Acl",
    "Grant",
    "parse_acl",
]

PUBLIC = "public"
"""How PUBLIC is written as a grantee or a policy role. No role can have this name."""

DERIVED: Mapping[str, bool] = {"derived": True}
"""Field metadata: convenience for readers, left out of comparisons."""

_ACL_ITEM = re.compile(r'(?P<grantee>"(?:[^"]|"")*"|[^=]*)=(?P<privileges>[A-Za-z*]*)/(?P<grantor>"(?:[^"]|"")*"|.*)')
_PRIVILEGES = {
    "r": "SELECT",
    "a": "INSERT",
    "w": "UPDATE",
    "d": "DELETE",
    "D": "TRUNCATE",
    "x": "REFERENCES",
    "t": "TRIGGER",
    "m": "MAINTAIN",
    "X": "EXECUTE",
    "U": "USAGE",
    "C": "CREATE",
    "c": "CONNECT",
    "T": "TEMPORARY",
    "s": "SET",
    "A": "ALTER SYSTEM",
}


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One privilege of one grantee, effective ones included: a NULL acl is written out as what PostgreSQL makes of it.

    Attributes:
        grantee: role name or `PUBLIC`.
        privilege: SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER, MAINTAIN, EXECUTE, USAGE, CREATE, …
        grantable: WITH GRANT OPTION.
        grantor: who gave it, "" when that is the owner.
    """

    grantee: str
    privilege: str
    grantable: bool = False
    grantor: str = ""

    def __str__(self) -> str:
        suffix = " with grant option" if self.grantable else ""
        return f"{self.privilege} to {self.grantee}{suffix}" + (f" by {self.grantor}" if self.grantor else "")


Acl = tuple[Grant, ...]


def parse_acl(items: Iterable[str], owner: str | None) -> Acl:
    """aclitem texts -> grants, sorted; `owner` is the grantor that goes without saying."""
    return tuple(sorted(grant for item in items for grant in _parse_acl_item(item, owner)))


def _parse_acl_item(item: str, owner: str | None) -> Iterator[Grant]:
    """`app_user=ar*/app_owner` -> its grants."""
    match = _ACL_ITEM.fullmatch(item)
    if match is None:
        raise DbkitError("cannot read an access privilege", detail=f"The server returned {item!r}.")
    grantee = _unquote(match["grantee"]) or PUBLIC
    grantor = _unquote(match["grantor"])
    for letter, star in re.findall(r"([A-Za-z])(\*?)", match["privileges"]):
        yield Grant(grantee, _PRIVILEGES.get(letter, letter), bool(star), "" if grantor == owner else grantor)


def _unquote(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name

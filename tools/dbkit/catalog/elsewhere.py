"""A snapshot as another server would have given it: a role under another name, a privilege it does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

from dbkit.catalog.grants import Grant
from dbkit.catalog.model import Snapshot
from dbkit.catalog.relations import Policy

__all__ = ["with_role_renamed", "without_privilege"]

_ROLE_FIELDS = frozenset({"owner", "grantee", "grantor", "role", "group"})


def with_role_renamed(taken: Snapshot, old: str, new: str) -> Snapshot:
    """The snapshot as it would be had `old` been called `new` everywhere: owner, grantee, grantor, policy role."""
    renamed: Snapshot = _renamed(taken, old, new)
    privileges = {
        f"{new}{key.removeprefix(old)}" if item.role == old else key: renamed.default_privileges[key]
        for key, item in taken.default_privileges.items()
    }
    roles = {name: role for name, role in renamed.roles.items() if name != old}
    return replace(renamed, default_privileges=privileges, roles=roles)


def without_privilege(taken: Snapshot, privilege: str) -> Snapshot:
    """The snapshot without any grant of one privilege, such as MAINTAIN."""

    def without(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(item for item in value if not (isinstance(item, Grant) and item.privilege == privilege))
        return value

    result: Snapshot = _mapped(taken, without)
    return result


def _renamed(value: Any, old: str, new: str) -> Any:
    def rename(name: Any) -> Any:
        return new if name == old else name

    def visit(value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            changes = {
                item.name: rename(getattr(value, item.name)) for item in fields(value) if item.name in _ROLE_FIELDS
            }
            if isinstance(value, Policy):
                changes["roles"] = tuple(sorted(map(rename, value.roles)))
            return replace(value, **changes)
        if isinstance(value, tuple) and value and isinstance(value[0], Grant):
            return tuple(sorted(value))
        return value

    return _mapped(value, visit)


def _mapped(value: Any, visit: Callable[[Any], Any]) -> Any:
    """The same structure with `visit` applied to every value in it, innermost first."""
    if is_dataclass(value) and not isinstance(value, type):
        value = replace(value, **{item.name: _mapped(getattr(value, item.name), visit) for item in fields(value)})
    elif isinstance(value, dict):
        value = {key: _mapped(part, visit) for key, part in value.items()}
    elif isinstance(value, tuple):
        value = tuple(_mapped(part, visit) for part in value)
    return visit(value)

"""What the administrator does as a replica applies rows: no trigger fires, and no foreign key is checked."""

from __future__ import annotations

__all__ = ["AS_ORIGIN", "AS_REPLICA", "as_replica"]

AS_REPLICA = "set local session_replication_role = replica"
AS_ORIGIN = "set local session_replication_role = origin"


def as_replica(*statements: str) -> tuple[str, ...]:
    """The statements between the two switches; what comes after them is as it was."""
    return (AS_REPLICA, *statements, AS_ORIGIN)

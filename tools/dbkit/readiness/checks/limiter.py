"""Check of kind `limiter`: servers of an application that share a database share its limit, and a restart resets none.

Each server is a process of its own with connections of its own (`dbkit.readiness.app_server`). All call at the same
time as caller 1; then one more is started, as after a deployment, and finds nothing left.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from dbkit.errors import DbkitError
from dbkit.readiness.measured import Measured

if TYPE_CHECKING:
    from dbkit.postgres import Database
    from dbkit.readiness.stage import Stage

__all__ = ["Limiter"]

# No window ends while the servers call, however slow the machine is.
_LONG = "update core.rate_limit_policies set window_seconds = 36000 where name = %s returning max_requests"


@dataclass(frozen=True)
class Limiter:
    """Together the servers let through what the policy allows, not one more and not one less.

    Attributes:
        policy: name of the policy.
        limit: what it allows in its window.
        servers: processes.
        connections: of each.
        calls: over each connection; together more than the limit.
    """

    ROWS: ClassVar[Mapping[str, type]] = {}
    policy: str
    limit: int
    servers: int
    connections: int
    calls: int

    @property
    def alone(self) -> str | None:
        return None

    def measure(self, stage: Stage) -> Measured:
        import psycopg

        stage.tell(f"{self.servers} servers call at the same time")
        with stage.database() as database:
            with psycopg.connect(database.conninfo) as admin:
                policy = admin.execute(_LONG, (self.policy,)).fetchone()
            if policy is None:
                raise DbkitError(
                    f"no such policy: {self.policy}",
                    detail="core.rate_limit_policies has no row of that name.",
                    hint="Name one that the seeds of the project bring.",
                )
            answers = self._called(stage, database, self.servers, self.connections)
            (restarted,) = self._called(stage, database, 1, 1)
        made = self.servers * self.connections * self.calls
        counted = [answer["allowed"] - answer["degraded"] for answer in answers]
        again = restarted["allowed"] - restarted["degraded"]
        degraded = sum(answer["degraded"] for answer in answers)
        split = " + ".join(map(str, counted))
        good = sum(counted) == self.limit == policy[0] and again == 0 and made > self.limit
        waved = f" ({degraded} more let through, the row was locked)" if degraded else ""
        return Measured(
            value=f"{split} of {made} calls allowed, {again} after a restart{waved}",
            target=f"{self.limit} over {self.servers} servers, 0 after",
            verdict="met" if good else "missed",
            figures={
                "policy_limit": policy[0],
                "calls": made,
                "allowed_by_server": counted,
                "allowed_after_restart": again,
                "degraded": degraded,
            },
        )

    def _called(self, stage: Stage, database: Database, servers: int, connections: int) -> list[dict[str, int]]:
        """What each of so many servers was told, all started first and let go together."""
        claim = stage.claim
        request: dict[str, Any] = {
            "conninfo": stage.conninfo(database),
            "context": claim.written(claim.context, 1),
            "policy": self.policy,
            "connections": connections,
            "calls": self.calls,
        }
        command = [sys.executable, "-m", "dbkit.readiness.app_server"]
        running = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(servers)
        ]
        try:
            for process in running:
                _say(process, json.dumps(request))
            for process in running:
                _hear(process)  # its connections are open
            for process in running:
                _say(process, "go")
            return [_hear(process) for process in running]
        finally:
            for process in running:
                process.kill()
                process.communicate()


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    answer: dict[str, Any] = json.loads(line or '{"error": "It ended without a word."}')
    if "error" in answer:
        raise DbkitError(
            "an application server of the check could not ask", detail=answer["error"], hint="Run the command again."
        )
    return answer

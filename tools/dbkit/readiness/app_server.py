"""One application server of the limiter's check: a process with connections of its own that asks the database.

It reads its orders as one JSON line, opens its connections, says `{}`, waits for a line, calls, and answers
`{"allowed": …, "refused": …, "degraded": …}`; what goes wrong it says as `{"error": …}`.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

__all__: list[str] = []


def main() -> None:
    """Serve one order."""
    try:
        _serve(json.loads(sys.stdin.readline()))
    except psycopg.Error as problem:
        _say({"error": str(problem).strip()})


def _serve(order: dict[str, Any]) -> None:
    with ThreadPoolExecutor(order["connections"]) as threads:
        connections = list(threads.map(psycopg.connect, [order["conninfo"]] * order["connections"]))
        _say({})
        sys.stdin.readline()
        told = list(threads.map(lambda connection: _call(connection, order), connections))
    _say({key: sum(answer[key] for answer in told) for key in told[0]})


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _call(connection: psycopg.Connection[Any], order: dict[str, Any]) -> dict[str, int]:
    """All calls of one connection, a transaction each, as an application makes them."""
    notices: list[str | None] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary))
    allowed = 0
    with connection:
        for _ in range(order["calls"]):
            connection.execute(order["context"].encode())
            row = connection.execute("select allowed from core.rate_limit(%s)", (order["policy"],)).fetchone()
            allowed += bool(row and row[0])
            connection.commit()
    # A caller that had to wait is let through and told so, where the policy says that; it is not counted.
    return {"allowed": allowed, "refused": order["calls"] - allowed, "degraded": notices.count("rate_limit_degraded")}


if __name__ == "__main__":
    main()

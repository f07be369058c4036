"""dbkit's queue through its SQL functions and its worker, and the bare table that is the limit of any queue.

usage: own.py dbkit|raw CONNINFO COMMAND [NUMBER…], see ../jobqueue.py for the commands
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

PAYLOAD = json.loads(os.environ.get("BENCH_PAYLOAD", "{}"))
# A payload is queued as the text it is, as pgqueuer's is: what a JSON library costs is not the queue's. Arrays of
# payloads go as binary parameters, since psycopg escapes those of text item by item in Python.
TEXT = json.dumps(PAYLOAD)
TENANT, USER = UUID(int=1), UUID(int=2)
JOB_TYPE = "external_sync"
Answer = dict[str, Any]


def timed(work: Callable[[psycopg.Connection[Any]], int], conninfo: str, clients: int) -> Answer:
    """Run `work` over so many connections at once; the jobs it says it did, and the seconds of all."""
    connections = [psycopg.connect(conninfo, autocommit=True) for _ in range(clients)]
    for connection in connections:
        connection.prepare_threshold = 0
    with ThreadPoolExecutor(clients) as pool:
        started = time.perf_counter()
        jobs = sum(pool.map(work, connections))
        seconds = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return {"seconds": seconds, "jobs": jobs}


class Raw:
    """One table, one index that is the order, one DELETE … SKIP LOCKED RETURNING."""

    CLAIM = """
        delete from bench_raw
         where ctid = any (array(
            select ctid from bench_raw where queue = 'default'
             order by priority desc, scheduled_at, id limit {batch} for update skip locked))
        returning id, tenant_id, kind, payload, priority, scheduled_at
    """
    INSERT = "insert into bench_raw (tenant_id, kind, payload) "

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo

    def setup(self) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("""
                create table bench_raw (
                    id bigint generated always as identity primary key,
                    tenant_id uuid, queue text not null default 'default',
                    kind text not null, payload jsonb not null, priority int not null default 0,
                    scheduled_at timestamptz not null default now())
            """)
            connection.execute("create index on bench_raw (queue, priority desc, scheduled_at, id)")

    def clear(self) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("truncate bench_raw")

    def enqueue(self, count: int, batch: int) -> Answer:
        def work(connection: psycopg.Connection[Any]) -> int:
            cursor = connection.cursor()
            for _ in range(0, count, batch):
                if batch == 1:
                    cursor.execute(self.INSERT + "values (%s, %s, %s)", (TENANT, JOB_TYPE, TEXT))
                else:
                    cursor.execute(
                        self.INSERT + "select %s, %s, unnest(%b::text[]::jsonb[])", (TENANT, JOB_TYPE, [TEXT] * batch)
                    )
            return count

        return timed(work, self.conninfo, 1)

    def work(self, count: int, batch: int, clients: int) -> Answer:
        claim = self.CLAIM.format(batch=batch)

        def work(connection: psycopg.Connection[Any]) -> int:
            done = 0
            while done < count // clients:
                found = len(connection.execute(claim).fetchall())
                if not found:
                    break
                done += found
            return done

        return timed(work, self.conninfo, clients)


class Dbkit:
    """The SQL API as any language would call it; `pickup` is the reference worker."""

    # what the reference worker asks for (dbkit.worker.client)
    NEXT = """
        select lease_id, id, tenant_id, job_type, payload, retry_count, max_retries, lease_seconds
          from core.next_jobs(%s, {batch}, 'default', null, %s)
    """

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo

    def setup(self) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as admin:
            admin.execute(
                "insert into core.users (id, auth_subject, email, name) values (%s, 'b', 'b@example.test', 'b')",
                (USER,),
            )
            admin.execute(
                "insert into core.tenants (id, system, name, owner_user_id) values (%s, 'crm', 'b', %s)", (TENANT, USER)
            )
            admin.execute(
                "insert into core.memberships (tenant_id, user_id, role_key) values (%s, %s, 'OWNER')", (TENANT, USER)
            )
            # what runs every minute in production: it makes the days' partitions
            admin.execute("select core.requeue_expired_leases()")

    def clear(self) -> None:
        names = ("jobs_ready", "job_leases", "job_envelopes", "jobs_done", "jobs_scheduled", "jobs_dead", "job_keys")
        tables = ", ".join(f"core.{name}" for name in names)
        with psycopg.connect(self.conninfo, autocommit=True) as admin:
            admin.execute(f"truncate {tables}")
            admin.execute(f"vacuum analyze {tables}")

    def enqueue(self, count: int, batch: int, in_context: int = 0) -> Answer:
        """In a request's context where asked: a transaction that sets it and enqueues, in one round trip."""

        one, many = "select core.enqueue(%s, %s)", "select core.enqueue_many(%s, %b::text[]::jsonb[])"

        def work(connection: psycopg.Connection[Any]) -> int:
            cursor = connection.cursor()
            for _ in range(0, count, batch):
                if batch == 1 and not in_context:
                    cursor.execute("select core.enqueue_for(%s, %s, %s)", (TENANT, JOB_TYPE, TEXT))
                    continue
                with connection.pipeline(), connection.transaction():
                    cursor.execute("select core.set_context(%s, %s)", (USER, TENANT))
                    cursor.execute(*((one, (JOB_TYPE, TEXT)) if batch == 1 else (many, (JOB_TYPE, [TEXT] * batch))))
            return count

        return timed(work, self.conninfo, 1)

    def work(self, count: int, batch: int, clients: int) -> Answer:
        claim = self.NEXT.format(batch=batch)

        def work(connection: psycopg.Connection[Any]) -> int:
            done, lease = 0, None
            while done < count // clients:
                rows = connection.execute(claim, ("bench", lease)).fetchall()
                if not rows:
                    return done
                lease = rows[0][0]
                done += len(rows)
            connection.execute("select core.complete_jobs(%s)", (lease,))
            return done

        return timed(work, self.conninfo, clients)

    def pickup(self, count: int, pause: int) -> Answer:
        from dbkit.worker.log import make_log
        from dbkit.worker.loop import Worker
        from dbkit.worker.registry import Handler
        from dbkit.worker.settings import Settings

        waits: list[float] = []

        def note(job: Any) -> None:
            waits.append((time.time() - job.payload["at"]) * 1000)

        worker = Worker(
            self.conninfo, Settings(concurrency=4), {JOB_TYPE: Handler(JOB_TYPE, note)}, make_log("text", StringIO())
        )
        running = threading.Thread(target=worker.run)
        running.start()
        time.sleep(0.5)
        with psycopg.connect(self.conninfo, autocommit=True) as application:
            for _ in range(count):
                application.execute(
                    "select core.enqueue_for(%s, %s, %s)", (TENANT, JOB_TYPE, Jsonb({"at": time.time()}))
                )
                time.sleep(pause / 1000)
        time.sleep(1)
        worker.stop()
        running.join(30)
        return {"waits": waits}

    def drain(self, count: int, concurrency: int) -> Answer:
        """Preloaded jobs through the reference worker, with a handler that does nothing."""
        from dbkit.worker.log import make_log
        from dbkit.worker.loop import Worker
        from dbkit.worker.registry import Handler
        from dbkit.worker.settings import Settings

        settings = Settings(concurrency=concurrency)
        worker = Worker(
            self.conninfo,
            settings,
            {JOB_TYPE: Handler(JOB_TYPE, lambda _job: None)},
            make_log("text", StringIO()),
            drain=True,
        )
        started = time.perf_counter()
        done, _ = worker.run()
        assert done == count, done
        return {"seconds": time.perf_counter() - started, "jobs": done}


def main(contender: str, conninfo: str, command: str, *numbers: str) -> None:
    driver = Dbkit(conninfo) if contender == "dbkit" else Raw(conninfo)
    print(json.dumps(getattr(driver, command)(*map(int, numbers)) or {}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""procrastinate and pgqueuer through their own libraries; runs in the environment the bench made for them.

usage: python_peers.py procrastinate|pgqueuer CONNINFO COMMAND [NUMBER…], see ../jobqueue.py for the commands
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import timedelta
from typing import Any

PAYLOAD = json.loads(os.environ.get("BENCH_PAYLOAD", "{}"))


class Procrastinate:
    """It has no batch claim: a batch is fetched one by one."""

    def __init__(self, conninfo: str) -> None:
        import procrastinate

        self.library = procrastinate
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=1, max_size=12)
        )
        self.waits: list[float] = []

        @self.app.task(name="noop")
        async def noop(**payload: Any) -> None:
            if "at" in payload:
                self.waits.append((time.time() - payload["at"]) * 1000)

        self.noop = noop

    async def setup(self) -> None:
        await self.app.schema_manager.apply_schema_async()

    async def clear(self) -> None:
        async with self.app.connector.pool.connection() as connection:
            await connection.execute("truncate procrastinate_jobs cascade")

    async def enqueue(self, count: int, batch: int) -> dict[str, float]:
        started = time.perf_counter()
        for _ in range(0, count, batch):
            if batch == 1:
                await self.noop.defer_async(**PAYLOAD)
            else:
                await self.noop.batch_defer_async(*[PAYLOAD] * batch)
        return {"seconds": time.perf_counter() - started, "jobs": count}

    async def work(self, count: int, _batch: int, clients: int) -> dict[str, float]:
        manager = self.app.job_manager
        left = count

        async def one() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                job = await manager.fetch_job(queues=None, worker_id=worker)
                if job is None:
                    return
                await manager.finish_job(job, self.library.jobs.Status.SUCCEEDED, delete_job=False)

        worker = await manager.register_worker()
        started = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(clients)))
        return {"seconds": time.perf_counter() - started, "jobs": count}

    async def pickup(self, count: int, pause: int) -> dict[str, list[float]]:
        worker = asyncio.create_task(self.app.run_worker_async(concurrency=4, install_signal_handlers=False))
        await asyncio.sleep(0.5)
        for _ in range(count):
            await self.noop.defer_async(at=time.time())
            await asyncio.sleep(pause / 1000)
        await asyncio.sleep(1.5)
        worker.cancel()
        return {"waits": self.waits}

    async def __aenter__(self) -> Procrastinate:
        await self.app.open_async()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.close_async()


class Pgqueuer:
    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo

    async def connect(self) -> Any:
        import asyncpg
        from pgqueuer.db import AsyncpgDriver
        from pgqueuer.queries import Queries

        # asyncpg reads URLs only: the bench gives libpq's variables instead.
        connection = await asyncpg.connect()
        driver = AsyncpgDriver(connection)
        return Queries(driver), driver, connection

    async def __aenter__(self) -> Pgqueuer:
        self.queries, self.driver, self.connection = await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.connection.close()

    async def setup(self) -> None:
        await self.queries.install()

    async def clear(self) -> None:
        await self.connection.execute("truncate pgqueuer, pgqueuer_log")

    async def enqueue(self, count: int, batch: int) -> dict[str, float]:
        payload = json.dumps(PAYLOAD).encode()
        started = time.perf_counter()
        for _ in range(0, count, batch):
            if batch == 1:
                await self.queries.enqueue("noop", payload)
            else:
                await self.queries.enqueue(["noop"] * batch, [payload] * batch, [0] * batch)
        return {"seconds": time.perf_counter() - started, "jobs": count}

    async def work(self, count: int, batch: int, clients: int) -> dict[str, float]:
        import uuid

        from pgqueuer.queries import EntrypointExecutionParameter

        left = count

        async def one(queries: Any) -> None:
            nonlocal left
            manager = uuid.uuid4()
            limits = {"noop": EntrypointExecutionParameter(concurrency_limit=0)}
            while left > 0:
                jobs = await queries.dequeue(min(batch, left), limits, manager, None, timedelta(seconds=30))
                left -= len(jobs)
                if not jobs:
                    return
                await queries.log_jobs([(job, "successful", None) for job in jobs])

        connections = [await self.connect() for _ in range(clients)]
        started = time.perf_counter()
        await asyncio.gather(*(one(queries) for queries, _, _ in connections))
        seconds = time.perf_counter() - started
        for *_, connection in connections:
            await connection.close()
        return {"seconds": seconds, "jobs": count - max(left, 0)}

    async def pickup(self, count: int, pause: int) -> dict[str, list[float]]:
        from pgqueuer import PgQueuer

        waits: list[float] = []
        _, driver, _ = await self.connect()
        worker = PgQueuer(driver)

        @worker.entrypoint("ping")
        async def ping(job: Any) -> None:
            waits.append((time.time() - float(job.payload)) * 1000)

        running = asyncio.create_task(worker.run(batch_size=10, dequeue_timeout=timedelta(seconds=1)))
        await asyncio.sleep(0.7)
        for _ in range(count):
            await self.queries.enqueue("ping", str(time.time()).encode())
            await asyncio.sleep(pause / 1000)
        await asyncio.sleep(1.5)
        running.cancel()
        return {"waits": waits}


async def main(peer: str, conninfo: str, command: str, *numbers: str) -> None:
    async with (Procrastinate if peer == "procrastinate" else Pgqueuer)(conninfo) as driver:
        print(json.dumps(await getattr(driver, command)(*map(int, numbers)) or {}), flush=True)
    os._exit(0)  # cancelled workers would take their own time


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Cold disposable server and warm fresh database, beside the floor: a bare `create database` and a bare connect.

usage: bench/postgres.py [ROUNDS]
"""

from __future__ import annotations

import os
import sys
import time

import psycopg

from dbkit.config import load_config
from dbkit.postgres import Recipe, Step, open_server
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer
from dbkit.recipe import project_recipe
from harness import Samples, interleave, table, verdict


def main(rounds: int) -> None:
    config = load_config()
    binaries = choose_binaries(config)
    recipe = project_recipe(config, seeds="production")
    with open_server(config, recipe) as server:
        server.template(recipe)  # so that the saved cluster is there

    cold = interleave(
        {
            "bare cluster": lambda: start_and_ask(binaries, None),
            "with core + rental in place": lambda: start_and_ask(binaries, recipe),
        },
        rounds,
        warm_up=1,
    )
    print(f"cold disposable server ({binaries.origin} {binaries.version}), start to first answer and stop, ms")
    print(table(("", "median", "best"), [(name, *ms(samples)) for name, samples in cold.items()]))
    print(verdict("cold server, best", cold["bare cluster"].best * 1000, 200, " ms"))

    empty = Recipe((Step("empty", "1", lambda _conninfo: None),))
    with open_server(config, recipe) as server:
        small, full = server.template(empty), server.template(recipe)
        names = iter(range(10_000_000))

        def floor(template: str) -> None:
            server.admin(f'create database "floor_{next(names)}" template "{template}" strategy file_copy')

        def pooled(template: object) -> None:
            # What a test does: take a ready clone, connect, ask. The pause below lets the pool refill meanwhile.
            with template.clone() as clone, psycopg.connect(clone.conninfo) as connection:  # type: ignore[attr-defined]
                connection.execute("select 1")

        def connect() -> None:
            with psycopg.connect(server.conninfo()) as connection:
                connection.execute("select 1")

        warm = {name: Samples() for name in ("connect", "create database, empty", "create database, core + rental",
                                             "clone + connect, empty", "clone + connect, core + rental")}  # fmt: skip
        for _ in range(rounds * 2):
            for name, run in (
                ("connect", connect),
                ("create database, empty", lambda: floor("template0")),
                ("create database, core + rental", lambda: floor(full.name)),
                ("clone + connect, empty", lambda: pooled(small)),
                ("clone + connect, core + rental", lambda: pooled(full)),
            ):
                started = time.perf_counter()
                run()
                warm[name].seconds.append(time.perf_counter() - started)
                time.sleep(0.15)
    print("\nwarm fresh database, ms (the rows `create database` and `connect` are the floor)")
    print(table(("", "median", "best"), [(name, *ms(samples)) for name, samples in warm.items()]))
    print(verdict("warm fresh database, median", warm["clone + connect, core + rental"].median * 1000, 20, " ms"))


def start_and_ask(binaries: object, recipe: Recipe | None) -> None:
    server = LocalServer.start(binaries, recipe)  # type: ignore[arg-type]
    server.admin("select 1")
    server.stop()


def ms(samples: Samples) -> tuple[str, str]:
    return f"{samples.median * 1000:.1f}", f"{samples.best * 1000:.1f}"


if __name__ == "__main__":
    print(f"load average {os.getloadavg()[0]:.1f}")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)

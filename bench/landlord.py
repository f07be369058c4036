"""The landlord platform at the size it was designed for: 100 landlords, 100,000 units, 4,000 renters, 20,000 tickets.

Three questions with their targets: how long does a landlord wait while 100 of them work at the same time, how long do
1,000 role look-ups take together, and how long does an import of 500 renters take, e-mails queued. Every transaction
sets its context first, as the application does.

usage: bench/landlord.py [SECONDS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from dbkit.config import load_config
from dbkit.csv_import import Caller, import_csv, read_csv
from dbkit.postgres import Database, Recipe, Server, Step, open_server
from dbkit.recipe import project_recipe
from harness import table, verdict

CLIENTS = 100
LOOK_UPS = 1_000
RENTERS = 500
TARGET_P95_MS = 500.0
TARGET_LOOK_UPS = 2.0
TARGET_IMPORT = 10.0

LOAD = """
insert into core.users (id, email, name)
select md5('landlord' || n)::uuid, 'landlord' || n || '@example.com', 'Landlord ' || n from generate_series(1, 100) n;
insert into core.tenants (id, system, name, owner_user_id) select id, 'rental', name, id from core.users;
insert into core.memberships (tenant_id, user_id, role_key) select id, id, 'OWNER' from core.users;
insert into rental.user_profiles (user_id, role, onboarding_step, onboarding_completed)
select id, 'OWNER', 'done', true from core.users;
insert into rental.units (owner_user_id, id, name, address1, city, state, postal_code)
select md5('landlord' || n)::uuid, md5('unit' || n || '-' || u)::uuid, 'Unit ' || lpad(u::text, 5, '0'),
       u || ' Main St', 'City ' || u % 50, 'ST', lpad((u % 1000)::text, 5, '0')
  from generate_series(1, 100) n, generate_series(1, 1000) u order by random();
insert into rental.tenants (owner_user_id, first_name, last_name, email, unit_id)
select md5('landlord' || n)::uuid, 'First ' || r, 'Last ' || r, format('r%s-%s@example.com', n, r),
       md5('unit' || n || '-' || r)::uuid
  from generate_series(1, 100) n, generate_series(1, 40) r;
insert into rental.tickets (owner_user_id, unit_id, title, status, created_at)
select md5('landlord' || n)::uuid, md5('unit' || n || '-' || 1 + t % 1000)::uuid, 'Ticket ' || t,
       (array['OPEN', 'IN_PROGRESS', 'WAITING', 'RESOLVED', 'CLOSED'])[1 + t % 5],
       timestamptz '2026-01-01' + t * interval '1 minute'
  from generate_series(1, 100) n, generate_series(1, 200) t order by random();
do $do$
begin
    -- Roles belong to the cluster: a saved one may hold it already.
    if not exists (select from pg_roles where rolname = 'bench_landlord') then
        create role bench_landlord login in role app_user;
    end if;
end
$do$;
"""

CONTEXT = (
    "\\set n random(1, 100)\nbegin;\n"
    "select core.set_context(md5('landlord' || :n)::uuid, md5('landlord' || :n)::uuid);\n{}\ncommit;\n"
)
# What a landlord's screen does, and how often beside the others.
SCREENS = {
    "units": (6, "select rental.list_units(1, 50);"),
    "renters": (4, "select rental.list_tenants(1, 50);"),
    "tickets": (6, "select rental.list_tickets(1, 50);"),
    "open tickets": (3, "select rental.list_tickets(1, 50, 'OPEN');"),
    "new ticket": (1, "select rental.create_ticket(md5('unit' || :n || '-7')::uuid, 'Leak', 'Water', 'HIGH');"),
}
ROLES = "select rental.get_user_roles();"


def main(seconds: int) -> None:
    config = load_config()
    base = project_recipe(config, seeds="production")
    recipe = Recipe((*base.steps, Step("bench landlord", LOAD, load)))
    with open_server(config, recipe) as server, server.template(recipe).clone() as database:
        print(f"PostgreSQL {server.version}, load average {os.getloadavg()[0]:.1f}")
        screens(server, database, seconds)
        look_ups(server, database)
        imported(database)


def load(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(LOAD)
        connection.execute("vacuum analyze")


def screens(server: Server, database: Database, seconds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for name, (weight, sql) in SCREENS.items():
            path = Path(folder) / name.replace(" ", "-")
            path.write_text(CONTEXT.format(sql))
            files += ["-f", f"{path}@{weight}"]
        log = Path(folder) / "log"
        pgbench(server, database, *files, "-T", str(seconds), "-l", f"--log-prefix={log}")
        # client, number, microseconds, file, epoch seconds, microseconds
        lines = [line.split() for path in Path(folder).glob("log.*") for line in path.read_text().splitlines()]
    waited = {name: sorted(int(line[2]) / 1e3 for line in lines if line[3] == str(n)) for n, name in enumerate(SCREENS)}
    waited["all"] = sorted(value for values in waited.values() for value in values)
    print(f"\n{CLIENTS} landlords at the same time, milliseconds a transaction with its context")
    print(
        table(
            ("screen", "transactions", "p50", "p95", "p99"),
            [(name, len(v), *(f"{quantile(v, q):.1f}" for q in (0.5, 0.95, 0.99))) for name, v in waited.items()],
        )
    )
    print(verdict("p95 of a screen", quantile(waited["all"], 0.95), TARGET_P95_MS, " ms"))


def look_ups(server: Server, database: Database) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roles"
        path.write_text(CONTEXT.format(ROLES))
        started = time.perf_counter()
        pgbench(server, database, "-f", str(path), "-t", str(LOOK_UPS // CLIENTS))
        took = time.perf_counter() - started
    print(f"\n{LOOK_UPS:,} role look-ups over {CLIENTS} connections, opening them included")
    print(verdict("all of them", took, TARGET_LOOK_UPS, " s"))


def imported(database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        row = connection.execute("select md5('landlord1')::uuid::text").fetchone()
        assert row is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "renters.csv"
        people = "".join(f"New{n},Renter{n},new{n}@example.com,\n" for n in range(RENTERS))
        path.write_text(f"firstName,lastName,email,unitId\n{people}")
        started = time.perf_counter()
        result = import_csv(database.conninfo, "rental.bulk_invite_tenants", read_csv(path), Caller(row[0], row[0]))
        took = time.perf_counter() - started
    with psycopg.connect(database.conninfo) as connection:
        queued = connection.execute("select count(*) from core.job_queue where job_type = 'tenant_invite'").fetchone()
    if result.failed or queued != (RENTERS,):
        sys.exit(f"error: {result.failed} rows refused, {queued} e-mails queued")
    print(f"\nimport of {RENTERS} renters, {RENTERS} e-mails queued")
    print(verdict("import", took, TARGET_IMPORT, " s"))


def pgbench(server: Server, database: Database, *arguments: str) -> None:
    program = server.bin_dir and server.bin_dir / "pgbench"
    if program is None or not program.exists():
        sys.exit("error: no pgbench beside the server\nhint: set [postgres] bin_dir to a folder that has it")
    conninfo = server.conninfo(database.name, user="bench_landlord")
    done = subprocess.run(
        [str(program), "-n", "-c", str(CLIENTS), "-j", "2", *arguments, conninfo],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or "number of failed transactions: 0" not in done.stdout:
        sys.exit(f"error: pgbench failed\ndetail: {done.stderr or done.stdout}")


def quantile(values: list[float], q: float) -> float:
    return values[min(int(len(values) * q), len(values) - 1)]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)

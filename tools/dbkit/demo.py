"""`dbkit demo`: the whole flow on one disposable server, with the commands' own code and the real SQL.

Nothing here is staged: the migrations are applied as in production, the tests and the proof are those of `dbkit test`
and `dbkit leak`, and the queries run as a landlord under row security.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from dbkit import build, seed
from dbkit.config import Config
from dbkit.errors import DbkitError
from dbkit.postgres import Server, open_server

__all__ = ["run_demo"]

ENVIRONMENT = "development"

# The landlord of the seed data with the most units.
LANDLORD = """
select u.id, u.name
  from core.users u
  join rental.units on units.owner_user_id = u.id
 group by u.id, u.name
 order by count(*) desc, u.id
 limit 1
"""
COUNTED = ("core.tenants", "rental.units", "rental.tenants", "rental.tickets")
QUERIES = {
    "urgent open tickets, newest first": """
select t.created_at::date, t.priority, t.title, u.name, r.first_name || ' ' || r.last_name
  from rental.tickets as t
  join rental.units as u on u.owner_user_id = t.owner_user_id and u.id = t.unit_id
  left join rental.tenants as r on r.owner_user_id = t.owner_user_id and r.id = t.tenant_id
 where t.status = 'OPEN' and t.priority in ('HIGH', 'EMERGENCY')
 order by t.created_at desc, t.id desc
 limit 3""",
    "rent roll by city: units, let, vacant, monthly rent": """
select u.city, count(*), count(l.id), count(*) - count(l.id), coalesce(sum(l.rent_amount), 0)
  from rental.units as u
  left join rental.tenancies as l
    on l.owner_user_id = u.owner_user_id and l.unit_id = u.id and l.status = 'ACTIVE'
 group by u.city
 order by 5 desc
 limit 3""",
    "median days to mend, by trade: tickets, days": """
select c.trade, count(*),
       round(percentile_cont(0.5) within group
             (order by extract(epoch from t.updated_at - t.created_at) / 86400)::numeric, 1)
  from rental.tickets as t
  join rental.contractors as c on c.owner_user_id = t.owner_user_id and c.id = t.contractor_id
 where t.status in ('RESOLVED', 'CLOSED')
 group by c.trade
 order by 3 desc
 limit 3""",
}


def run_demo(config: Config) -> None:
    """Show the flow, each stage with its time; nothing keeps running afterwards.

    Raises:
        DbkitError: the project does not declare the modules the demo shows, or a stage fails.
    """
    lacking = {"core", "rental"} - set(config.modules)
    if lacking:
        raise DbkitError(
            f"the demo needs module {min(lacking)}",
            detail="It shows the landlord platform (rental) on the shared core.",
            hint="Run it in a checkout of dbkit, or add the module under [modules].",
        )
    started = time.perf_counter()
    with _stage("a disposable server"), open_server(config) as server:
        click.echo(f"PostgreSQL {server.version} ({server.provider}), started for this demo")
        _on_server(config, server)
    click.echo(f"\ndone in {time.perf_counter() - started:.1f} s; the server is stopped and its files are gone")


def _on_server(config: Config, server: Server) -> None:
    with server.database() as database:
        with _stage("migrations"):
            _migrate(config, database.conninfo)
        with _stage(f"seeds ({ENVIRONMENT})"):
            _seed(config, database.conninfo)
        with _stage("lint"):
            _lint(config)
        with _stage("pgTAP"):
            _test(config)
        with _stage("isolation proof"):
            _prove(config)
        with _stage("three queries as a landlord"):
            _query(database.conninfo)


@contextmanager
def _stage(title: str) -> Iterator[None]:
    click.secho(f"\n== {title}", bold=True)
    started = time.perf_counter()
    yield
    click.secho(f"   {title}: {time.perf_counter() - started:.1f} s", dim=True)


def _migrate(config: Config, conninfo: str) -> None:
    from dbkit.migrate import render, runner

    build.bootstrap(conninfo, config)
    with render.Progress("apply", "text") as progress:
        progress.result = runner.apply(conninfo, config, say=progress.say, on_done=progress.done)


def _seed(config: Config, conninfo: str) -> None:
    import psycopg

    seed.load(conninfo, config, ENVIRONMENT)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for table in COUNTED:
            row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
            click.echo(f"{row[0] if row else 0:>7,} {table}")
        # What autovacuum would do on a server that lives longer.
        connection.execute("vacuum analyze")


def _lint(config: Config) -> None:
    from dbkit.lint.render import closing_line, render_frames
    from dbkit.lint.run import lint

    result = lint(config, ())
    frames = render_frames(result)
    if frames:
        click.echo(frames)
    click.echo(closing_line(result))


def _test(config: Config) -> None:
    from dbkit.tap.command import Options, run_tests
    from dbkit.tap.console import Console
    from dbkit.tap.report import closing_lines, report_of

    console = Console(True, verbose=False, quiet=True)
    run = run_tests(config, Options(), on_start=console.start, on_result=console.result)
    console.end()
    for line in closing_lines(run, 0):
        click.echo(line)
    _expect_clean("pgTAP", report_of(run).exit_code)


def _prove(config: Config) -> None:
    from dbkit.leak.clone import disposable_copy
    from dbkit.leak.proof import prove
    from dbkit.leak.render import closing_line, report_of
    from dbkit.leak.text import matrix
    from dbkit.tenancy.declaration import load_declaration

    with disposable_copy(config, load_declaration(config, None), None, None) as copy:
        proof = prove(copy.conninfo, copy.declaration, isolation=copy.isolation)
    report = report_of(proof)
    click.echo(matrix(proof, report))
    click.echo("\n" + closing_line(report))
    _expect_clean("isolation proof", report.exit_code)


def _query(conninfo: str) -> None:
    import psycopg

    with psycopg.connect(conninfo) as connection:
        row = connection.execute(LANDLORD).fetchone()
        assert row is not None  # the seeds have just been counted
        landlord, name = row
        connection.execute("set local role app_user")
        connection.execute("select core.set_context(%s, %s)", [landlord, landlord])
        click.echo(f"as {name}, role app_user, context set once:")
        for title, query in QUERIES.items():
            rows, milliseconds = _timed(lambda query=query: connection.execute(query.encode()).fetchall())  # type: ignore[misc]
            click.echo(f"\n{title}: {milliseconds:.1f} ms")
            for values in rows:
                click.echo("   " + "  ".join("–" if value is None else str(value) for value in values))


def _timed(query: Callable[[], list[tuple[object, ...]]]) -> tuple[list[tuple[object, ...]], float]:
    started = time.perf_counter()
    rows = query()
    return rows, (time.perf_counter() - started) * 1000


def _expect_clean(stage: str, exit_code: int) -> None:
    if exit_code:
        raise DbkitError(f"{stage} found something", detail="See above.", hint="Mend it and run the demo again.")

"""`dbkit leak` over schemas of 10 to 80 tables: the time of every attack, and whether it grows with tables alone.

Each schema is a product of the usual shape: a registry, users, memberships, and tables that reference each other by
composite keys, with checks, a view, a definer function and a policy for each command. Rounds go through all sizes in
turn. Wall time is the lower quartile, which a neighbour's load lengthens least; growth is judged by processor time,
the server's included, which it hardly lengthens at all.

usage: bench/leak_scaling.py [ROUNDS]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg

from dbkit.config import Config, load_config
from dbkit.leak import prove
from dbkit.leak.render import report_of
from dbkit.postgres import open_server
from dbkit.tenancy.declaration import Declaration, parse_declaration
from harness import interleave, table, verdict

SIZES = (10, 20, 40, 80)
TARGET_SECONDS = 20.0
TARGET_TABLES = 40
# What a further table may cost among many against among few.
LINEARITY = 1.2

TENANCY = {
    "app_roles": ["scaling_app"],
    "context": ["select app.set_context({user}, {tenant})"],
    "tenants": "app.tenants.id",
    "columns": ["tenant_id"],
    "memberships": "app.memberships(user_id, tenant_id)",
}

ROLE = """
do $$ begin
    if not exists (select from pg_roles where rolname = 'scaling_app') then create role scaling_app nologin; end if;
end $$
"""
BASE = """
create schema app;
grant usage on schema app to scaling_app;
create table app.users (id uuid primary key, email text not null unique);
create table app.tenants (id uuid primary key default gen_random_uuid(), name text not null);
create table app.memberships (
    tenant_id uuid not null references app.tenants (id),
    user_id   uuid not null references app.users (id),
    status    text not null default 'active' check (status in ('active', 'suspended')),
    primary key (tenant_id, user_id)
);
create table app.context_key (key bytea not null);
insert into app.context_key values (sha256('a key of the benchmark'));
create function app.seal(p_tenant text) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select encode(sha256(key || convert_to(p_tenant || pg_backend_pid() || now(), 'UTF8') || key), 'hex')
        from app.context_key $$;
revoke execute on function app.seal(text) from public;
create function app.set_context(p_user uuid, p_tenant uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from app.memberships m where m.user_id = p_user and m.tenant_id = p_tenant and m.status = 'active'
    ) then
        raise exception 'not a member';
    end if;
    perform set_config('app.tenant_id', p_tenant::text, true), set_config('app.seal', app.seal(p_tenant::text), true);
end $$;
create function app.tenant() returns uuid
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('app.seal', true) = app.seal(current_setting('app.tenant_id', true)) then
        return current_setting('app.tenant_id', true)::uuid;
    end if;
    return null;
end $$;
alter table app.tenants enable row level security, force row level security;
alter table app.memberships enable row level security, force row level security;
create policy own on app.tenants for select to scaling_app using (id = (select app.tenant()));
create policy own on app.memberships for select to scaling_app using (tenant_id = (select app.tenant()));
grant select on app.tenants, app.memberships to scaling_app;
"""
ONE_TABLE = """
create table app.{name} (
    tenant_id  uuid not null references app.tenants (id),
    id         uuid not null default gen_random_uuid(),
    number     text not null,
    status     text not null default 'open' check (status in ('open', 'paid', 'void')),
    amount     numeric(12, 2) not null check (amount > 0),
    paid_at    timestamptz,
    details    jsonb not null default '{{}}',
    parent_id  uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    unique (tenant_id, number),
    foreign key (tenant_id, parent_id) references app.{parent} (tenant_id, id),
    check ((status = 'paid') = (paid_at is not null))
);
alter table app.{name} enable row level security, force row level security;
create policy own_select on app.{name} for select to scaling_app using (tenant_id = (select app.tenant()));
create policy own_insert on app.{name} for insert to scaling_app with check (tenant_id = (select app.tenant()));
create policy own_update on app.{name} for update to scaling_app
    using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));
create policy own_delete on app.{name} for delete to scaling_app using (tenant_id = (select app.tenant()));
grant select, insert, update, delete on app.{name} to scaling_app;
create view app.{name}_open with (security_invoker = true) as
    select id, number, amount from app.{name} where status = 'open';
grant select on app.{name}_open to scaling_app;
create function app.{name}_amount(p_id uuid) returns numeric
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$ select amount from app.{name} where tenant_id = app.tenant() and id = p_id $$;
"""


def schema(tables: int) -> Iterator[str]:
    """The SQL of a product with this many tables of its own."""
    yield BASE
    for number in range(1, tables + 1):
        yield ONE_TABLE.format(name=f"records_{number}", parent=f"records_{max(1, number - 1)}")


@dataclass(frozen=True)
class Cost:
    """Seconds of one proof: by the clock, and of processors, ours and the server's."""

    wall: float
    processor: float


def processor_seconds() -> float:
    """Used up to now by this process and by the servers that it has stopped."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def run(config: Config, declaration: Declaration, tables: int) -> Cost:
    """One proof on a server of its own.

    Raises:
        SystemExit: it does not hold, so its time says nothing.
    """
    before = processor_seconds()
    with open_server(config) as server, server.database() as database:
        with psycopg.connect(database.conninfo, autocommit=True) as connection:
            for text in (ROLE, *schema(tables)):
                connection.execute(text)  # type: ignore[call-overload]
        started = time.perf_counter()
        summary = report_of(prove(database.conninfo, declaration)).summary
        elapsed = time.perf_counter() - started
    if summary["leaks"] or summary["unverified"]:
        raise SystemExit(f"the schema of {tables} tables does not hold: {summary}")
    return Cost(elapsed, processor_seconds() - before)


def main(config: Config, rounds: int) -> None:
    declaration = parse_declaration(TENANCY, "bench")
    costs: dict[int, list[Cost]] = {size: [] for size in SIZES}
    interleave(
        {str(size): lambda size=size: costs[size].append(run(config, declaration, size)) for size in SIZES}, rounds
    )
    wall = {size: sorted(cost.wall for cost in costs[size])[rounds // 4] for size in SIZES}
    processor = {size: min(cost.processor for cost in costs[size]) for size in SIZES}
    rows = [
        (size, f"{wall[size]:.2f}", f"{processor[size]:.2f}", f"{processor[size] / size * 1000:.0f}") for size in SIZES
    ]
    print(table(("tables", "seconds", "of processors", "ms a table"), rows))
    print(verdict(f"{TARGET_TABLES} tables, every attack", wall[TARGET_TABLES], TARGET_SECONDS, " s"))
    # From one size to the next, so that what every proof costs once is not taken for a table's share.
    small, large = ((processor[b] - processor[a]) / (b - a) for a, b in ((SIZES[0], SIZES[2]), (SIZES[2], SIZES[3])))
    print(verdict(f"a further table from {SIZES[2]} on against before", large / small, LINEARITY, " ×"))


if __name__ == "__main__":
    main(load_config(), int(sys.argv[1]) if len(sys.argv) > 1 else 3)

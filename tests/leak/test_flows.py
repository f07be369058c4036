"""What triggers, rules, policies and open tables carry from one tenant to another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from leak_schema import TENANCY, execute
from variants import Variant, errors, guarded

from dbkit.leak import Proof, prove
from dbkit.postgres import Database
from dbkit.tenancy.declaration import parse_declaration

Prove = Callable[[str], Proof]

NORTH, SOUTH = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"

TRAIL = """
    create table app.trail (id bigint generated always as identity primary key, what text, image jsonb not null);
    alter table app.trail owner to leak_owner;
    create function app.record() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
    begin
        insert into app.trail (what, image) values (tg_op, to_jsonb(coalesce(new, old)));
        return null;
    end $$;
    create trigger record after {events} on app.invoices for each row execute function app.record();
    grant select on app.trail to leak_app;
"""
TRAIL_GUARD = """
    alter table app.trail enable row level security;
    create policy own on app.trail for select to leak_app using ((image ->> 'tenant_id')::uuid = (select app.tenant()));
"""
PAYMENTS = (
    "create table app.payments (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), "
    "invoice_number text not null);" + guarded("app.payments", "select, insert")
)
SETTLE = """
    alter table app.invoices add paid boolean not null default false;
    create function app.settle() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
    begin
        update app.invoices set paid = true where number = new.invoice_number {and_tenant};
        return new;
    end $$;
    create trigger settle before insert on app.payments for each row execute function app.settle();
"""
UNIQUE = """
    create function app.one_number() returns trigger language plpgsql security definer set search_path = pg_catalog
    as $$
    declare other app.invoices;
    begin
        select * into other from app.invoices i where i.number = new.invoice_number {and_tenant};
        if found then
            raise exception 'number taken by: %', other.memo;
        end if;
        return new;
    end $$;
    create trigger one_number before insert on app.payments for each row execute function app.one_number();
"""
REMARKS = """
    create table app.remarks (
        tenant_id uuid not null default app.tenant(), id uuid default gen_random_uuid() primary key,
        about_kind text not null check (about_kind in ('invoice', 'line')), about_id uuid not null, body text not null);
    alter table app.remarks owner to leak_owner;
    alter table app.remarks enable row level security, force row level security;
    create policy seen on app.remarks for select to leak_app using (tenant_id = (select app.tenant())
        or about_kind = 'invoice' and exists (select from app.invoices i where i.id = remarks.about_id));
    grant select, insert on app.remarks to leak_app;
"""
EVENTS = (
    "create table app.events (id uuid primary key default gen_random_uuid(), kind text not null,"
    " payload jsonb not null);"
)
BY_PAYLOAD = "(payload ->> 'tenant_id')::uuid = (select app.tenant())"

FEED = """
    create table app.feed (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), who text);
    create function app.tell() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
    begin
        insert into app.feed (tenant_id, who) select new.tenant_id, u.email from app.users u
            join app.memberships m on {of_user} where m.tenant_id = new.tenant_id;
        return null;
    end $$;
    create trigger tell after insert or update or delete on app.invoices for each row execute function app.tell();
"""

VARIANTS = [
    Variant(
        "an own write draws every tenant's people in",
        "write_draws_in_foreign_rows",
        "app.feed",
        "FLOW-03",
        broken=FEED.format(of_user="true") + guarded("app.feed", "select"),
        mended=FEED.format(of_user="m.user_id = u.id") + guarded("app.feed", "select"),
    ),
    Variant(
        "a trail of every tenant's rows can be read",
        "copy_of_tenant_rows_readable",
        "app.trail",
        "FLOW-01",
        broken=TRAIL.format(events="insert or update or delete"),
        mended=TRAIL.format(events="insert or update or delete") + TRAIL_GUARD,
    ),
    Variant(
        "a trail that only updates and deletes write",
        "write_shows_in_another_tenant",
        "app.trail",
        "FLOW-01",
        broken=TRAIL.format(events="update or delete"),
        mended=TRAIL.format(events="update or delete") + TRAIL_GUARD,
    ),
    Variant(
        "a rollup under another name of the key",
        "copy_of_tenant_rows_readable",
        "app.daily",
        "FLOW-01",
        common="create table app.daily (grp uuid primary key, invoices int not null default 0);"
        "create function app.roll_up() returns trigger language plpgsql security definer set search_path = pg_catalog"
        " as $$ begin insert into app.daily as d values (new.tenant_id, 1) on conflict (grp) do update"
        " set invoices = d.invoices + 1; return null; end $$;"
        "create trigger roll_up after insert on app.invoices for each row execute function app.roll_up();"
        "grant select on app.daily to leak_app;",
        broken="",
        mended="alter table app.daily enable row level security;"
        "create policy own on app.daily for select to leak_app using (grp = (select app.tenant()))",
    ),
    Variant(
        "a rollup that a job fills, under another name of the key",
        "foreign_rows_readable",
        "app.usage",
        "POL-01",
        common="create table app.usage (account uuid not null, day date not null, calls int not null,"
        " primary key (account, day)); grant select on app.usage to leak_app;",
        broken="",
        mended="alter table app.usage enable row level security, force row level security;"
        "create policy own on app.usage for select to leak_app using (account = (select app.tenant()))",
    ),
    Variant(
        "a number of another tenant settles its invoice",
        "value_followed_across_tenants",
        "app.payments",
        "RI-01",
        common=PAYMENTS,
        broken=SETTLE.format(and_tenant=""),
        mended=SETTLE.format(and_tenant="and tenant_id = new.tenant_id"),
    ),
    Variant(
        "an error text names the row of another tenant",
        "value_followed_across_tenants",
        "app.payments",
        "FLOW-03",
        common=PAYMENTS,
        broken=UNIQUE.format(and_tenant=""),
        mended=UNIQUE.format(and_tenant="and i.tenant_id = new.tenant_id"),
    ),
    Variant(
        "a rule copies another tenant's row",
        "value_followed_across_tenants",
        "app.entries",
        "FLOW-03",
        common="create table app.copies (tenant_id uuid not null, memo text, note text);"
        + guarded("app.copies", "select")
        + "create view app.entries as select tenant_id, descr from app.invoice_lines where false;"
        "grant select, insert on app.entries to leak_app;",
        broken="create rule store as on insert to app.entries do instead insert into app.copies"
        " select new.tenant_id, i.memo, new.descr from app.invoices i where i.number = new.descr",
        mended="create rule store as on insert to app.entries do instead insert into app.copies"
        " select new.tenant_id, i.memo, new.descr from app.invoices i where i.number = new.descr"
        " and i.tenant_id = new.tenant_id and i.tenant_id = app.tenant()",
    ),
    Variant(
        "a remark under another tenant's invoice",
        "value_followed_across_tenants",
        "app.remarks",
        "RI-01",
        common=REMARKS,
        broken="create policy written on app.remarks for insert to leak_app with check (tenant_id = app.tenant())",
        mended="create policy written on app.remarks for insert to leak_app with check (tenant_id = app.tenant()"
        " and about_kind = 'invoice' and exists (select from app.invoices i where i.id = remarks.about_id));"
        # An own invoice under the victim's id would open what is said about the victim's.
        "revoke insert, update on app.invoices from leak_app",
    ),
    Variant(
        "a table without a tenant that everybody writes and reads",
        "rows_cross_unowned_table",
        "app.events",
        "FLOW-05",
        common=EVENTS + "grant select, insert on app.events to leak_app;",
        broken="",
        mended="alter table app.events enable row level security;"
        f"create policy own on app.events to leak_app using ({BY_PAYLOAD}) with check ({BY_PAYLOAD})",
    ),
    Variant(
        "an entry forged into another tenant's trail",
        "rows_cross_unowned_table",
        "app.events",
        "FLOW-05",
        common=EVENTS
        + "grant select, insert on app.events to leak_app; alter table app.events enable row level security;"
        f"create policy seen on app.events for select to leak_app using ({BY_PAYLOAD});",
        broken="create policy written on app.events for insert to leak_app with check (true)",
        mended=f"create policy written on app.events for insert to leak_app with check ({BY_PAYLOAD})",
    ),
]


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "mended"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_flow(proven: Prove, variant: Variant, broken: bool) -> None:
    variant.check(proven, broken=broken)


@pytest.mark.parametrize(
    ("published", "leaks"),
    [("app.invoices", True), (f"app.invoices where (tenant_id = '{NORTH}')", False)],
)
def test_a_publication_for_one_tenant(clean: Database, published: str, leaks: bool) -> None:
    declaration = parse_declaration({**TENANCY, "samples": [{"tenant": NORTH}, {"tenant": SOUTH}]}, "tenancy.toml")
    try:
        execute(clean.conninfo, f"alter role leak_app replication; create publication feed for table {published}")
        found = errors(prove(clean.conninfo, declaration))
    finally:
        execute(clean.conninfo, "alter role leak_app noreplication")
    rules = [finding.rule for finding in found if finding.category == "FLOW-04"]
    assert rules == (["publication_carries_tenants"] if leaks else [])

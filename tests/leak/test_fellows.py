"""A second kind of caller whose rows are the user's own: another user of the same tenant is as foreign as any."""

from __future__ import annotations

from typing import Any

import pytest
from leak_plain import errors_of, proof_of
from leak_schema import execute

from dbkit.leak.paths import HOLDS
from dbkit.postgres import Database

CUSTOMERS = """
    do $$ begin
        if not exists (select from pg_roles where rolname = 'plain_customer') then
            create role plain_customer nologin;
        end if;
    end $$;
    set role plain_owner;
    grant usage on schema shop to plain_customer;
    create table shop.customers (
        tenant_slug text not null references shop.tenants (slug), id uuid not null default gen_random_uuid(),
        user_id uuid, primary key (tenant_slug, id));
    create table shop.requests (
        tenant_slug text not null references shop.tenants (slug), id uuid not null default gen_random_uuid(),
        customer_id uuid not null, body text not null, primary key (tenant_slug, id),
        foreign key (tenant_slug, customer_id) references shop.customers (tenant_slug, id));
    create function shop.me() returns uuid language sql stable
        as $$ select nullif(current_setting('shop.person', true), '')::uuid $$;
    create function shop.mine() returns setof shop.customers language sql stable security definer
        set search_path = pg_catalog as $$ select c.* from shop.customers c where c.user_id = shop.me() $$;
    alter table shop.customers enable row level security, force row level security;
    alter table shop.requests enable row level security, force row level security;
    create policy definer on shop.customers to plain_owner using (true);
    create policy definer on shop.requests to plain_owner using (true);
    create policy shop on shop.customers to plain_app using (tenant_slug = (select shop.tenant()));
    create policy shop on shop.requests to plain_app using (tenant_slug = (select shop.tenant()));
    create policy own on shop.customers for select to plain_customer using (user_id = shop.me());
    create policy own on shop.requests for select to plain_customer
        using (customer_id in (select m.id from shop.mine() m));
    grant select on shop.customers, shop.requests to plain_customer;
    grant insert (tenant_slug, customer_id, body), update (customer_id, body) on shop.requests to plain_customer;
    create policy change on shop.requests for update to plain_customer
        using (customer_id in (select m.id from shop.mine() m)) with check ({changed});
    create policy ask on shop.requests for insert to plain_customer with check ({asked});
    reset role;
"""
IN_MY_SHOP = "tenant_slug in (select m.tenant_slug from shop.mine() m)"
AS_MYSELF = "customer_id in (select m.id from shop.mine() m)"
TENANCY: dict[str, Any] = {
    "scopes": [
        {
            "name": "customers",
            "app_roles": ["plain_customer"],
            "context": ["select set_config('shop.person', {user}, true)"],
            "tables": {"shop.customers": "user_id"},
        }
    ]
}


@pytest.mark.parametrize(
    ("asked", "changed", "shown"),
    [
        (IN_MY_SHOP, AS_MYSELF, {("INSERT", "plain_customer")}),
        (AS_MYSELF, IN_MY_SHOP, {("UPDATE", "plain_customer")}),
        (AS_MYSELF, AS_MYSELF, set()),
    ],
    ids=["a request in another's name", "an own request handed to another", "both as oneself"],
)
def test_rows_in_the_name_of_another_customer(
    plain: Database, asked: str, changed: str, shown: set[tuple[str, str]]
) -> None:
    execute(plain.conninfo, CUSTOMERS.format(asked=asked, changed=changed))
    proof = proof_of(plain, **TENANCY)
    paths = [path for path in proof.paths if path.table == "shop.requests"]
    assert {(path.command, path.role) for path in paths if path.verdict != HOLDS} == shown
    assert {(each.object, "customer_id" in (each.detail or "")) for each in errors_of(proof)} == (
        {("shop.requests", True)} if shown else set()
    )
    # The permitted twin: a request of one's own is taken.
    own = [path.control or "" for path in paths if (path.command, path.role, path.state) == ("INSERT", *CALLER)]
    assert any("on the own rows: 1 row" in control for control in own) or shown


CALLER = ("plain_customer", "right")

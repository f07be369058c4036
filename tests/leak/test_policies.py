"""Policies that compare less than the whole key, another column, or nothing at all on one of their ways."""

from __future__ import annotations

import pytest
from leak_plain import Twin, errors_of, proof_of
from leak_schema import execute

from dbkit.leak.lookalikes import lookalikes, stranger, wildcards
from dbkit.leak.paths import HOLDS
from dbkit.leak.render import report_of
from dbkit.postgres import Database

READ = "alter policy own_read on shop.orders using ({});"
OWN = "tenant_slug = (select shop.tenant())"

TWINS = [
    Twin(
        "a prefix read as a pattern",
        "key_compared_in_part",
        "POL-07",
        READ.format("tenant_slug like (select shop.tenant()) || '%'"),
        READ.format("tenant_slug like (select shop.tenant()) || '%' and " + OWN),
    ),
    Twin(
        "the caller's key read as a pattern",
        "key_compared_in_part",
        "POL-07",
        READ.format("tenant_slug like (select shop.tenant())"),
        READ.format("starts_with(tenant_slug, (select shop.tenant())) and " + OWN),
    ),
    Twin(
        "without regard to case",
        "key_compared_in_part",
        "POL-07",
        READ.format("lower(tenant_slug) = lower((select shop.tenant()))"),
        READ.format("lower(tenant_slug) = lower((select shop.tenant())) and " + OWN),
    ),
    Twin(
        "a list searched for a part of it",
        "key_compared_in_part",
        "POL-07",
        READ.format("position(tenant_slug in (select shop.tenant())) > 0"),
        READ.format("tenant_slug = any (string_to_array((select shop.tenant()), ','))"),
    ),
    Twin(
        "only writes compare in part",
        "key_compared_in_part",
        "POL-07",
        "alter policy own_add on shop.orders with check (right(tenant_slug, 1) = right((select shop.tenant()), 1));",
        "alter policy own_add on shop.orders with check (right(tenant_slug, 80) = right((select shop.tenant()), 80));",
    ),
    Twin(
        "a status that opens rows beside missing brackets",
        "policy_opens_row_without_tenant",
        "POL-02",
        READ.format(OWN + " and region = 'eu' or status = 'archived'"),
        READ.format(OWN + " and (region = 'eu' or status = 'archived')"),
    ),
    Twin(
        "a second permissive policy about an empty column",
        "policy_opens_row_without_tenant",
        "POL-02",
        "create policy unassigned on shop.orders for select to plain_app using (agent is null);",
        "create policy unassigned on shop.orders as restrictive for update to plain_app using (agent is null);",
        common="alter table shop.orders add agent text",
    ),
    Twin(
        "the check of another policy admits a move",
        "policy_opens_row_without_tenant",
        "POL-02",
        "create policy archive on shop.orders for update to plain_app using (false) with check (status = 'archived');",
        "create policy archive on shop.orders as restrictive for update to plain_app using (true) "
        "with check (status in ('open', 'closed', 'archived'));",
    ),
    Twin(
        "the region in place of the tenant",
        "foreign_rows_readable",
        "POL-01",
        READ.format("region = (select nullif(current_setting('shop.region', true), ''))"),
        READ.format(OWN + " and region = (select nullif(current_setting('shop.region', true), ''))"),
    ),
    Twin(
        "a desk that tenants may call the same",
        "policy_asks_other_column",
        "POL-08",
        READ.format("desk = (select nullif(current_setting('shop.desk', true), ''))"),
        READ.format(OWN + " and desk = (select nullif(current_setting('shop.desk', true), ''))"),
        common="alter table shop.orders add desk text not null",
    ),
    Twin(
        "rows of no tenant that every tenant writes",
        "rows_of_no_tenant",
        "CTX-01",
        f"create policy own on shop.drafts to plain_app using (tenant_slug is null or {OWN});",
        f"create policy own on shop.drafts to plain_app using (tenant_slug is null or {OWN}) with check ({OWN});"
        "create policy no_removal on shop.drafts as restrictive for delete to plain_app"
        " using (tenant_slug = (select shop.tenant()));"
        "create policy no_change on shop.drafts as restrictive for update to plain_app"
        " using (tenant_slug = (select shop.tenant()));",
        common="create table shop.drafts (id uuid primary key default gen_random_uuid(),"
        " tenant_slug text references shop.tenants, body text not null);"
        "alter table shop.drafts owner to plain_owner;"
        "alter table shop.drafts enable row level security, force row level security;"
        "grant select, insert, update, delete on shop.drafts to plain_app",
    ),
]


def test_the_plain_schema_holds(plain: Database) -> None:
    proof = proof_of(plain)
    assert errors_of(proof) == []
    assert {path.verdict for path in proof.paths} == {HOLDS}
    assert report_of(proof).exit_code == 0


@pytest.mark.parametrize("twin", TWINS, ids=[twin.name for twin in TWINS])
def test_a_broken_policy_is_shown(plain: Database, twin: Twin) -> None:
    twin.check(plain, broken=True)


@pytest.mark.parametrize("twin", TWINS, ids=[twin.name for twin in TWINS])
def test_its_mended_twin_holds(plain: Database, twin: Twin) -> None:
    twin.check(plain, broken=False)


def test_keys_that_the_registry_takes_for_one_are_one_tenant(plain: Database) -> None:
    """Where the registry itself compares without regard to case, no second tenant can have the key in capitals."""
    execute(
        plain.conninfo,
        "create unique index on shop.tenants (lower(slug));"
        + READ.format("lower(tenant_slug) = lower((select shop.tenant()))"),
    )
    assert errors_of(proof_of(plain)) == []


def test_rows_that_say_themselves_that_they_are_public_are_a_note(plain: Database) -> None:
    execute(
        plain.conninfo,
        "alter table shop.orders add is_public boolean not null default false;" + READ.format(OWN + " or is_public"),
    )
    proof = proof_of(plain)
    assert errors_of(proof) == []
    assert "policy_opens_row_without_tenant" in {finding.rule for finding in report_of(proof).findings}


def test_lookalikes_differ_and_resemble() -> None:
    for key, base in (("acme", "text"), ("42", "int8"), ("5eed0000-0000-4000-8000-00000000000b", "uuid")):
        found = [other for _, other in lookalikes(key, base)]
        assert found
        assert key not in found
        assert stranger(key, base) not in found
    assert all(int(other) < 2**15 for _, other in lookalikes("32767", "int2"))
    assert [key for _, key in wildcards("acme", "text")] == ["a_me", "a%"]
    assert all(len(other) <= 4 for _, other in lookalikes("acme", "text", 4))


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (READ.format(OWN + " or region = 'eu'"), "policy own_read admits it: region = "),
        (
            "create policy staff on shop.orders for select to public using (true);",
            "policy staff admits it: true",
        ),
        (
            READ.format(
                "exists (select from shop.tenants t where t.slug = t.slug and t.slug = (select shop.tenant()))"
            ),
            "t.slug is compared with itself",
        ),
    ],
)
def test_a_leak_says_which_part_of_which_policy_lets_it_through(plain: Database, broken: str, words: str) -> None:
    execute(plain.conninfo, broken)
    found = next(finding for finding in errors_of(proof_of(plain)) if finding.message.startswith("SELECT"))
    assert words in (found.detail or "")

"""How a context is told, kept and believed: completion, tokens, pooled connections, defaults, what users may edit."""

from __future__ import annotations

from typing import Any

import pytest
from leak_plain import PLAIN_TENANCY, Twin, errors_of, proof_of
from leak_schema import execute

from dbkit.errors import DbkitError
from dbkit.leak import Proof
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED
from dbkit.leak.render import report_of
from dbkit.postgres import Database
from dbkit.tenancy.declaration import parse_declaration
from dbkit.tenancy.expressions import Source, comparisons

OWN = "tenant_slug = (select shop.tenant())"
CLAIMS = "nullif(current_setting('request.jwt.claims', true), '')::jsonb"
JWT: dict[str, Any] = {
    "context": [
        "select set_config('request.jwt.claims', json_build_object('sub', {user}, 'tenant', {tenant}, "
        "'user_metadata', json_build_object('tenant', {tenant}))::text, true)"
    ]
}
SWITCH = """create function shop.switch_tenant(p_user uuid, p_tenant text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$ begin
    {check} perform set_config('shop.tenant', p_tenant, true); end $$;"""
BELONGS = """if not exists (select from shop.staff s where s.user_id = p_user and s.tenant_slug = p_tenant) then
    raise exception 'not a member'; end if;"""
SUPPORTS = """create function shop.supports() returns boolean
    language sql stable security definer set search_path = pg_catalog
    as $$ select exists (select from shop.people p where {whose} p.is_support) $$;
    create policy support on shop.orders for select to plain_app using (shop.supports())"""
FORGET = "alter function shop.tenant() immutable;"
ENTER = "create function shop.enter(text) returns text language sql as "

TWINS = [
    Twin(
        "a plan kept for another tenant",
        "context_outlives_transaction",
        "CTX-03",
        FORGET,
        "alter function shop.tenant() volatile;",
    ),
    Twin(
        "a context for the whole session",
        "context_outlives_transaction",
        "CTX-03",
        ENTER + "$$ select set_config('shop.tenant', $1, false) $$",
        ENTER + "$$ select set_config('shop.tenant', $1, true) $$",
        tenancy={"context": ["select shop.enter({tenant})"]},
    ),
    Twin(
        "a context kept where it was set first",
        "context_outlives_transaction",
        "CTX-03",
        ENTER + "$$ select set_config('shop.tenant', coalesce(shop.tenant(), $1), false) $$",
        ENTER + "$$ select set_config('shop.tenant', $1, true) $$",
        tenancy={"context": ["select shop.enter({tenant})"]},
    ),
    Twin(
        "a role that starts as one tenant",
        "open_without_context",
        "CTX-01",
        "alter role plain_app set shop.tenant = 'acme';",
        "alter role plain_app reset shop.tenant;",
    ),
    Twin(
        "claims that the user edits",
        "identity_editable",
        "CTX-05",
        f"alter policy own_read on shop.orders using (tenant_slug = ({CLAIMS} -> 'user_metadata' ->> 'tenant'));",
        f"alter policy own_read on shop.orders using (tenant_slug = ({CLAIMS} ->> 'tenant'));",
        common=f"""create or replace function shop.tenant() returns text language sql stable
            as $$ select {CLAIMS} ->> 'tenant' $$""",
        tenancy=JWT,
    ),
    Twin(
        "an own row that makes its user mighty",
        "identity_editable",
        "CTX-05",
        "grant update on shop.people to plain_app;",
        "grant update (nick) on shop.people to plain_app;",
        common="""create table shop.people (id uuid primary key, nick text, is_support boolean not null default false);
            alter table shop.people owner to plain_owner;
            alter table shop.people enable row level security, force row level security;
            create function shop.me() returns uuid language sql stable
                as $$ select nullif(current_setting('shop.person', true), '')::uuid $$;
            create policy me on shop.people to plain_app using (id = shop.me());
            grant select on shop.people to plain_app;
            create policy support on shop.orders for select to plain_app
                using (exists (select from shop.people p where p.id = shop.me() and p.is_support))""",
        tenancy={
            "context": [*PLAIN_TENANCY["context"], "select set_config('shop.person', {user}, true)"],
            "user_tables": {"shop.people": "id"},
        },
    ),
    Twin(
        "a switch that is declared with one user for all",
        "membership_not_checked",
        "CTX-02",
        SWITCH.format(check=""),
        SWITCH.format(check=BELONGS),
        common="""create table shop.staff (
                tenant_slug text references shop.tenants, user_id uuid, primary key (tenant_slug, user_id));
            alter table shop.staff owner to plain_owner;
            alter table shop.staff enable row level security, force row level security;
            create policy definer on shop.staff to plain_owner using (true)""",
        tenancy={"context": ["select shop.switch_tenant('b0b00000-0000-4000-8000-000000000000', {tenant})"]},
    ),
    Twin(
        "what anybody is, asked in place of the caller",
        "policy_forgets_the_user",
        "POL-06",
        SUPPORTS.format(whose=""),
        SUPPORTS.format(whose="p.id = shop.me() and"),
        common="""create table shop.people (id uuid primary key, nick text, is_support boolean not null default false);
            alter table shop.people owner to plain_owner;
            create function shop.me() returns uuid language sql stable
                as $$ select nullif(current_setting('shop.person', true), '')::uuid $$""",
        tenancy={
            "context": [*PLAIN_TENANCY["context"], "select set_config('shop.person', {user}, true)"],
            "user_tables": {"shop.people": "id"},
        },
    ),
    Twin(
        "a mode that a function believes",
        "context_forgeable",
        "CTX-02",
        """create or replace function shop.sees(p text) returns boolean language sql stable as $$
               select current_setting('shop.mode', true) = 'audit' or p = shop.tenant() $$;""",
        """create or replace function shop.sees(p text) returns boolean language sql stable as $$
               select p = shop.tenant() $$;""",
        common="""create function shop.sees(p text) returns boolean language sql stable as $$ select null::boolean $$;
            alter policy own_read on shop.orders using (shop.sees(tenant_slug))""",
    ),
]


def assert_holds(proof: Proof) -> None:
    """Every path holds, and not because nothing could be seen anyway."""
    assert {path.verdict for path in proof.paths} == {HOLDS}
    assert report_of(proof).exit_code == 0


@pytest.mark.parametrize("twin", TWINS, ids=[twin.name for twin in TWINS])
def test_a_broken_context_is_shown(plain: Database, twin: Twin) -> None:
    try:
        twin.check(plain, broken=True)
    finally:
        execute(plain.conninfo, "alter role plain_app reset all")


@pytest.mark.parametrize("twin", TWINS, ids=[twin.name for twin in TWINS])
def test_its_mended_twin_holds(plain: Database, twin: Twin) -> None:
    twin.check(plain, broken=False)


def test_what_the_context_leaves_out_is_completed_from_the_own_row(plain: Database) -> None:
    """Without the region no own row shows, and zero rows would prove nothing."""
    execute(
        plain.conninfo,
        f"alter policy own_read on shop.orders using ({OWN} and region = current_setting('shop.region', true))",
    )
    proof = proof_of(plain)
    assert_holds(proof)
    assert any("shop.region" in path.sql for path in proof.paths)


def test_a_list_of_tenants_in_a_setting(plain: Database) -> None:
    execute(
        plain.conninfo,
        "alter policy own_read on shop.orders using "
        "(tenant_slug = any (string_to_array(current_setting('shop.tenants', true), ',')))",
    )
    proof = proof_of(plain)
    assert_holds(proof)


SIGNED = """
    create table shop.secret (k text not null);
    insert into shop.secret values ('only the tests know');
    create function shop.sign(p text) returns text language sql stable security definer set search_path = pg_catalog
        as $$ select p || '.' || md5(k || p || k) from shop.secret limit 1 $$;
    revoke execute on function shop.sign(text) from public;
    grant execute on function shop.sign(text) to plain_owner;
    create or replace function shop.tenant() returns text
        language sql stable security definer set search_path = pg_catalog as $$
        select split_part(current_setting('shop.token', true), '.', 1)
        where {check}
    $$;
"""


def test_a_signed_context_is_proven_with_tokens(plain: Database) -> None:
    execute(
        plain.conninfo,
        SIGNED.format(
            check="shop.sign(split_part(current_setting('shop.token', true), '.', 1))"
            " = current_setting('shop.token', true)"
        ),
    )
    proof = proof_of(plain, **TOKEN)
    assert errors_of(proof) == []
    assert_holds(proof)
    assert {path.state for path in proof.paths} >= {"right", "forged", "malformed", "reused"}


def test_a_signature_that_is_not_checked_is_forged(plain: Database) -> None:
    execute(plain.conninfo, SIGNED.format(check="shop.sign('') is not null"))
    leaks = {(path.command, path.state) for path in proof_of(plain, **TOKEN).paths if path.verdict == LEAK}
    assert ("SELECT", "forged") in leaks


TOKEN: dict[str, Any] = {
    "context": ["select set_config('shop.token', {token}, true)"],
    "token": "select shop.sign({tenant})",
}


def test_a_token_that_nobody_makes_is_refused(plain: Database) -> None:
    with pytest.raises(DbkitError, match="nothing says how a token is made"):
        parse_declaration({**PLAIN_TENANCY, "context": TOKEN["context"]}, "tenancy.toml")
    with pytest.raises(DbkitError, match="no token could be made"):
        proof_of(plain, **{**TOKEN, "token": "select null::text"})


LOGINS = """
    do $$ begin
        if not exists (select from pg_roles where rolname = 'plain_north') then
            create role plain_north login;
            create role plain_south login;
        end if;
    end $$;
    create or replace function shop.tenant() returns text language sql stable
        as $$ select case session_user when 'plain_north' then 'north' when 'plain_south' then 'south' end $$;
    grant usage on schema shop to plain_north, plain_south;
    grant plain_app to plain_north, plain_south;
"""
BY_LOGIN: dict[str, Any] = {
    "app_roles": ["plain_north"],
    "context": [],
    "samples": [{"login": "plain_north"}, {"login": "plain_south"}],
}


def test_the_tenant_of_a_login_is_asked_of_the_policies(plain: Database) -> None:
    execute(plain.conninfo, LOGINS)
    proof = proof_of(plain, **BY_LOGIN)
    assert proof.population.identities["B1"].tenant == "north"
    assert_holds(proof)
    assert any(path.state == "right" and "on the own rows: 1 row" in path.control for path in proof.paths)


def test_a_login_that_sees_every_tenant_is_shown(plain: Database) -> None:
    execute(plain.conninfo, LOGINS + "create policy all_read on shop.orders for select to plain_north using (true)")
    leaks = {(path.command, path.state) for path in proof_of(plain, **BY_LOGIN).paths if path.verdict == LEAK}
    assert ("SELECT", "right") in leaks


def test_settings_of_a_verifying_function_are_believed_where_nothing_seals_them(plain: Database) -> None:
    """Setting them by hand is then no more than what the application does; who may run SQL is the contract."""
    execute(
        plain.conninfo,
        """create function shop.enter(p text) returns void
               language plpgsql security definer set search_path = pg_catalog as $$ begin
               if not exists (select from shop.tenants where slug = p or p is not null) then
                   raise exception 'no such tenant';
               end if;
               perform set_config('shop.tenant', p, true);
           end $$""",
    )
    proof = proof_of(plain, context=["select shop.enter({tenant})"])
    assert errors_of(proof) == []
    assert "believed" in proof.model.scopes[0].trust_reason
    assert UNVERIFIED not in {finding.verdict for finding in report_of(proof).findings}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(region = current_setting('shop.region'::text, true))", Source("shop.region")),
        (
            "(region = ((NULLIF(current_setting('request.jwt.claims'::text, true), ''::text))::jsonb ->> 'r'::text))",
            Source("request.jwt.claims", ("r",)),
        ),
        ("(region = ( SELECT app.region() AS region))", Source("app.region", ("a", "b"))),
        (
            "(region = ANY (string_to_array(current_setting('shop.regions'::text), ','::text)))",
            Source("shop.regions", (), "list"),
        ),
    ],
)
def test_where_a_policy_takes_a_column_from(text: str, expected: Source) -> None:
    helpers = {"app.region": "select nullif(current_setting('app.region', true), '')::json -> 'a' ->> 'b'"}
    (found,) = comparisons(text, "orders", {"region": None}, helpers)
    assert found.column == "region"
    assert found.sources == (expected,)


def test_a_column_of_another_table_is_not_the_tables_own() -> None:
    text = "(EXISTS ( SELECT 1 FROM m WHERE ((m.region = current_setting('shop.region'::text)))))"
    assert list(comparisons(text, "orders", {"region": None}, {})) == []


MAPPED = """
    create table shop.logins (tenant_slug text not null references shop.tenants, login name not null);
    alter table shop.logins owner to plain_owner;
    create function shop.operates(p text) returns boolean
        language sql stable security definer set search_path = pg_catalog as $$
        select exists (select from shop.logins l where l.tenant_slug = p and l.login = {who})
    $$;
    alter function shop.operates(text) owner to plain_owner;
    alter policy own_read on shop.orders using (shop.operates(tenant_slug));
"""


@pytest.mark.parametrize(("who", "found"), [("current_user", True), ("session_user", False)])
def test_a_definer_function_that_asks_for_the_current_user_asks_for_its_owner(
    plain: Database, who: str, found: bool
) -> None:
    execute(plain.conninfo, LOGINS + MAPPED.format(who=who))
    errors = [finding for finding in errors_of(proof_of(plain, **BY_LOGIN)) if finding.category == "POL-06"]
    assert [finding.object for finding in errors] == (["shop.operates"] if found else [])

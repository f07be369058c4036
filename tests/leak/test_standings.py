"""What a membership says of its member, and what rows can be made where little says whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from leak_schema import execute

from dbkit.leak import Proof, prove
from dbkit.leak.contexts import build_states
from dbkit.leak.proof import read_model
from dbkit.leak.references import equated_columns
from dbkit.leak.render import report_of
from dbkit.leak.session import Session
from dbkit.leak.standings import read_standings
from dbkit.leak.synthesis import populate
from dbkit.postgres import Database
from dbkit.report import Severity
from dbkit.tenancy.declaration import Declaration, parse_declaration
from dbkit.tenancy.model import Kind

ME = "(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::int"
MEMBERS = f"""
create table public.teams (id int primary key, name text);
create table public.members (
    team_id int not null references public.teams, user_id int not null,
    status text not null default 'invited' check (status in ('invited', 'active', 'suspended')),
    rank text not null check (rank in ('guest', 'editor', 'owner')), left_at timestamptz, expires_at timestamptz,
    primary key (team_id, user_id)
);
create table public.notes (
    team_id int not null references public.teams, id int not null, body text, primary key (team_id, id)
);
create function public.is_in(p_team int) returns boolean language sql stable security definer set search_path = '' as $$
    select exists (
        select from public.members m where m.team_id = p_team and m.user_id = {ME} and m.status = 'active'
           and (m.expires_at is null or m.expires_at > now()) and m.rank in ('owner', 'editor'))
$$;
alter table public.teams enable row level security, force row level security;
alter table public.members enable row level security;
alter table public.notes enable row level security, force row level security;
create policy t on public.teams using (public.is_in(id));
create policy m on public.members for select using (user_id = {ME});
create policy n on public.notes using (public.is_in(team_id));
grant select on public.teams, public.members, public.notes to standing_app;
"""
BY_USER = "select set_config('request.jwt.claims', json_build_object('sub', {user}::int)::text, true)"
BY_TENANT = "select set_config('shop.tenant', {tenant}, true)"
OWN = "nullif(current_setting('shop.tenant', true), '')::int"


def declared(context: str, **keys: Any) -> Declaration:
    return parse_declaration({"app_roles": ["standing_app"], "context": [context], **keys}, "tenancy.toml")


@contextmanager
def schema(database: Database, sql: str) -> Iterator[str]:
    role = "do $$ begin create role standing_app login; exception when duplicate_object then null; end $$;"
    execute(database.conninfo, f"{role} grant usage on schema public to standing_app; {sql}")
    yield database.conninfo


def unproven(proof: Proof) -> list[str]:
    return [path.reason or "" for path in proof.paths if path.verdict == "unverified"]


def errors(proof: Proof) -> list[str]:
    return [finding.message for finding in report_of(proof).findings if finding.severity is Severity.ERROR]


def test_a_membership_is_made_in_force_and_can_lapse_in_every_way_that_is_asked(database: Database) -> None:
    with schema(database, MEMBERS) as conninfo, Session(conninfo) as session:
        model = read_model(conninfo, declared(BY_USER))
        population = populate(session, model)
        assert population.tables["public.members"].rows["B1"]["status"] == "active"
        standings = read_standings(session, model, population)
        # left_at is not asked by anything, so it says nothing.
        assert [(each.label, each.awaited) for each in standings.lapsed] == [
            ("status = suspended", False),
            ("status = invited", True),
            ("expires_at = 2000-01-02", False),
        ]
        states, _ = build_states(model, model.scopes[0], population, None, standings)
        assert [state.variant for state in states if state.name == "suspended"] == [s.label for s in standings.lapsed]
        # guest is named by no policy; the member's own rank is no other one.
        stored = population.tables["public.members"].rows["B1"]["rank"]
        assert {s.label for s in standings.ranks} == {
            f"rank = {word}" for word in ("owner", "editor") if word != stored
        }


def test_a_membership_that_says_nothing_lapses_by_deletion(database: Database) -> None:
    plain = re.sub(r"    status text.*?expires_at timestamptz,\n", "", MEMBERS, flags=re.DOTALL)
    plain = re.sub(r" and m\.status.*?'editor'\)\)", ")", plain, flags=re.DOTALL)
    with schema(database, plain) as conninfo, Session(conninfo) as session:
        model = read_model(conninfo, declared(BY_USER))
        standings = read_standings(session, model, populate(session, model))
        assert [each.statements[0].partition(" where ")[0] for each in standings.lapsed] == [
            "delete from public.members"
        ]
        assert standings.ranks == ()


def test_the_proof_holds_in_every_standing(database: Database) -> None:
    with schema(database, MEMBERS) as conninfo:
        proof = prove(conninfo, declared(BY_USER))
    assert (errors(proof), unproven(proof)) == ([], [])
    assert {path.state for path in proof.paths} >= {"suspended", "promoted"}


SHOPS = """
create table public.tenant_directory (id int primary key, name text);
alter table public.tenant_directory enable row level security, force row level security;
create policy own on public.tenant_directory for select using (id = {own});
grant select on public.tenant_directory to standing_app;
"""
# what is hard about the table -> its columns; its tenant is in tenant_id
TABLES = {
    "two tenants that are never the same": "buyer_id int not null references public.tenant_directory,"
    " check (buyer_id <> tenant_id)",
    "no key": "body text not null, place point",
    "a key over an expression": "id uuid not null default gen_random_uuid() primary key, host text not null",
    "a default that asks who is at work": "id uuid primary key default gen_random_uuid(),"
    " number int not null default public.next_number()",
    "people who have the tenant's column": "id int generated by default as identity primary key, email text",
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_hard_to_fill_is_proven(database: Database, name: str) -> None:
    table = "people" if name.startswith("people") else "things"
    sql = (
        SHOPS.format(own=OWN)
        + f"""
        create function public.next_number() returns int language plpgsql security definer set search_path = '' as $$
        begin
            if current_setting('shop.tenant', true) is null or current_setting('shop.tenant', true) = '' then
                raise exception 'nobody is at work';
            end if;
            return 7;
        end $$;
        create table public.{table} (tenant_id int not null references public.tenant_directory, {TABLES[name]});
        alter table public.{table} enable row level security, force row level security;
        create policy own on public.{table} using (tenant_id = {OWN});
        grant select, insert, update, delete on public.{table} to standing_app;
        """
    )
    if "host" in sql:
        sql += f"create unique index on public.{table} (tenant_id, lower(host));"
    with schema(database, sql) as conninfo:
        proof = prove(conninfo, declared(BY_TENANT))
    assert proof.model.registry == ("public.tenant_directory", "id")
    assert (errors(proof), unproven(proof)) == ([], [])


def test_a_table_is_classified_by_what_its_policies_compare(database: Database) -> None:
    sql = (
        SHOPS.format(own=OWN)
        + f"""
        create table public.docs (
            tenant_id int not null references public.tenant_directory, id int primary key, body text
        );
        create table public.grants (doc int not null, for_whom int not null, primary key (doc, for_whom));
        alter table public.docs enable row level security, force row level security;
        alter table public.grants enable row level security, force row level security;
        create policy own on public.docs for select using (tenant_id = {OWN}
            or exists (select from public.grants g where g.doc = docs.id and g.for_whom = {OWN}));
        create policy mine on public.grants for select using (for_whom = {OWN});
        create policy give on public.grants for insert with check (for_whom = {OWN});
        grant select on public.docs to standing_app;
        grant select, insert on public.grants to standing_app;
        """
    )
    with schema(database, sql) as conninfo:
        broken = prove(conninfo, declared(BY_TENANT))
        model = broken.model
        grants = model.scopes[0].tables["public.grants"]
        assert (grants.kind, grants.column) == (Kind.TENANT, "for_whom")
        found = [(own, other.qualified, their) for own, other, their in equated_columns(model.relations, grants.table)]
        assert found == [("doc", "public.docs", "id")]
        assert any("public.grants, which opens public.docs" in message for message in errors(broken))


def test_a_profile_with_the_users_key_stands_for_the_user(database: Database) -> None:
    sql = """
        create table public.users (id int primary key);
        create table public.profiles (id int primary key references public.users, name text);
        create table public.posts (id int primary key, written_by int not null references public.profiles);
        create policy own on public.posts using (written_by = 1);
        grant select on public.profiles, public.posts to standing_app;
        """
    with schema(database, sql) as conninfo:
        model = read_model(conninfo, declared(BY_USER, user_tables={"public.profiles": "id"}))
    assert model.user_columns["public.posts"] == ("written_by",)


@pytest.mark.parametrize(
    ("setting", "condition", "tried"),
    [
        ("shop.mode", "current_setting('shop.mode', true) = 'night'", "night"),
        ("shop.mode", "'night' = current_setting('shop.mode', true)", "night"),
        ("shop.mode", "current_setting('shop.mode', true) in ('night', 'dusk')", "night"),
        ("shop.mode", "coalesce(current_setting('shop.mode', true), 'day') = 'night'", "night"),
        ("shop.mode", "public.mode() = 'night'", "night"),
        ("shop.open", "current_setting('shop.open', true)::boolean", "true"),
        # The gateway writes its claims; whoever sends a request does not.
        ("request.jwt.claim.kind", "current_setting('request.jwt.claim.kind', true) = 'night'", None),
    ],
)
def test_a_setting_beside_the_context_is_tried_with_what_it_is_compared_with(
    database: Database, setting: str, condition: str, tried: str | None
) -> None:
    own = f"tenant_id = {OWN}"
    context = BY_TENANT
    if tried is None:
        own = "tenant_id = (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'tenant')::int"
        context = "select set_config('request.jwt.claims', json_build_object('tenant', {tenant}::int)::text, true)"
    sql = f"""
        create function public.mode() returns text language sql stable
        as $$ select current_setting('shop.mode', true) $$;
        create table public.things (tenant_id int not null, id int primary key);
        alter table public.things enable row level security, force row level security;
        create policy own on public.things for select using ({own} or {condition});
        grant select on public.things to standing_app;
        """
    with schema(database, sql) as conninfo:
        proof = prove(conninfo, declared(context))
    leaks = [path.reason or "" for path in proof.paths if path.verdict == "leak" and path.state == "forged"]
    assert bool(leaks) is (tried is not None)
    assert all(f"{setting} = {tried}" in reason for reason in leaks)


def test_a_vacuous_proof_names_what_it_had_to_make_up(database: Database) -> None:
    sql = f"""
        create table public.signing_key (k text not null);
        create function public.tenant() returns int language sql stable security definer set search_path = '' as $$
            select {OWN} where exists (select from public.signing_key where k = 'the real one')
        $$;
        create table public.things (tenant_id int not null, id int primary key);
        alter table public.things enable row level security;
        create policy own on public.things using (tenant_id = public.tenant());
        grant select on public.things to standing_app;
        """
    with schema(database, sql) as conninfo:
        proof = prove(conninfo, declared(BY_TENANT, values={"public.signing_key.k": "the real one"}))
        assert [role.vacuous for role in proof.roles] == [None]
    execute(database.conninfo, "truncate public.signing_key, public.things")
    vacuous = prove(database.conninfo, declared(BY_TENANT)).roles[0].vacuous
    assert vacuous is not None
    assert "functions read public.signing_key, whose rows are not copied" in vacuous

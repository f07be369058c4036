"""Functions of a schema whose tenant is a plain setting and whose keys are numbers, and of one that keeps its context
in a table."""

from __future__ import annotations

from typing import Any

import pytest
from leak_functions import PINNED, errors, function_findings

from dbkit.postgres import Database
from dbkit.report import Severity
from dbkit.tenancy.declaration import parse_declaration

ROLES = """
do $$ begin
    if not exists (select from pg_roles where rolname = 'leak_desk') then create role leak_desk nologin; end if;
end $$;
create schema desk;
grant usage on schema desk to leak_desk;
create table desk.accounts (account_id bigint primary key, name text not null);
create table desk.users (login text primary key, account_id bigint not null references desk.accounts);
create table desk.tickets (
    account_id bigint not null references desk.accounts, number int not null, points int not null default 3,
    primary key (account_id, number)
);
create table desk.comments (
    account_id bigint not null, id bigint generated always as identity, ticket_number int not null, body text not null,
    primary key (account_id, id), foreign key (account_id, ticket_number) references desk.tickets
);
alter table desk.users enable row level security, force row level security;
alter table desk.accounts enable row level security, force row level security;
alter table desk.tickets enable row level security, force row level security;
alter table desk.comments enable row level security, force row level security;
grant select, insert, update, delete on desk.tickets, desk.comments to leak_desk;
grant select on desk.accounts to leak_desk;
"""
POLICIES = """
create policy own on desk.accounts for select to leak_desk using (account_id = {tenant});
create policy own on desk.tickets to leak_desk using (account_id = {tenant}) with check (account_id = {tenant});
create policy own on desk.comments to leak_desk using (account_id = {tenant}) with check (account_id = {tenant});
"""
SETTING = ROLES + POLICIES.format(tenant="nullif(current_setting('desk.account', true), '')::bigint")
TENANT = "nullif(current_setting('desk.account', true), '')::bigint"
IN_A_TABLE = (
    ROLES
    + f"""
create table desk.contexts (pid int, txid bigint, account_id bigint not null, primary key (pid, txid));
create function desk.account() returns bigint language sql volatile {PINNED} as
$$ select account_id from desk.contexts where pid = pg_backend_pid() and txid = txid_current() $$;
"""
    + POLICIES.format(tenant="desk.account()")
)
SWITCH = f"""create or replace function desk.switch(p_login text, p_account bigint) returns void language sql {PINNED}
as $$ insert into desk.contexts select pg_backend_pid(), txid_current(), {{source}}
    on conflict (pid, txid) do update set account_id = excluded.account_id $$;"""


def declared(*context: str) -> dict[str, Any]:
    return {"app_roles": ["leak_desk"], "context": list(context), "columns": ["account_id"]}


BY_SETTING = declared("select set_config('desk.account', {tenant}, true)")
BY_USER = declared("select set_config('desk.account', {tenant}, true)", "select set_config('desk.login', {user}, true)")
BY_SWITCH = declared("select desk.switch({user}, {tenant})")

# what is wrong -> (declaration, object, rule, SQL that is wrong, SQL that repairs it)
CASES: dict[str, tuple[dict[str, Any], str, str, str, str]] = {
    "numbers only": (
        BY_SETTING,
        "desk.points",
        "definer_function_reads_foreign_rows",
        SETTING + f"create function desk.points(p_account bigint) returns int language sql stable {PINNED} as "
        "$$ select sum(points)::int from desk.tickets where account_id = p_account $$",
        "alter function desk.points(bigint) security invoker",
    ),
    "the next row of anybody": (
        BY_SETTING,
        "desk.claim",
        "definer_function_reads_foreign_rows",
        SETTING + f"create function desk.claim() returns desk.comments language sql {PINNED} as "
        "$$ delete from desk.comments where id = (select max(id) from desk.comments) returning * $$",
        f"create or replace function desk.claim() returns desk.comments language sql {PINNED} as "
        "$$ delete from desk.comments where id = (select max(id) from desk.comments "
        f"where account_id = {TENANT}) and account_id = {TENANT} returning * $$",
    ),
    "injection that writes the setting": (
        BY_SETTING,
        "desk.sorted",
        "definer_function_injectable",
        SETTING + "create function desk.sorted(p_order text) returns setof text language plpgsql as $$ begin "
        "return query execute 'select body from desk.comments order by ' || p_order; end $$",
        "create or replace function desk.sorted(p_order text) returns setof text language plpgsql as $$ begin "
        "return query execute format('select body from desk.comments order by %I', p_order); end $$",
    ),
    "trigger that finds the ticket by its number": (
        BY_SETTING,
        "desk.tg_count",
        "trigger_writes_foreign_rows",
        SETTING + f"create function desk.tg_count() returns trigger language plpgsql {PINNED} as $$ begin "
        "update desk.tickets set points = points + 1 where number = new.ticket_number; return null; end $$;"
        "create trigger count after insert on desk.comments for each row execute function desk.tg_count()",
        f"create or replace function desk.tg_count() returns trigger language plpgsql {PINNED} as $$ begin "
        "update desk.tickets set points = points + 1 where number = new.ticket_number "
        "and account_id = new.account_id; return null; end $$",
    ),
    "function that notifies": (
        BY_SETTING,
        "desk.publish",
        "notify_payload_tells_rows",
        SETTING + "create function desk.publish(p_comment_id bigint) returns void language sql as "
        "$$ select pg_notify('comments', c.body) from desk.comments c where c.id = p_comment_id $$",
        "create or replace function desk.publish(p_comment_id bigint) returns void language sql as "
        "$$ select pg_notify('comments', '') from desk.comments c where c.id = p_comment_id $$",
    ),
    "switch beside the user's context": (
        BY_USER,
        "desk.enter",
        "tenant_switch_unchecked",
        SETTING + "create function desk.enter(p_account bigint) returns void language sql as "
        "$$ select set_config('desk.account', p_account::text, true) $$",
        f"create or replace function desk.enter(p_account bigint) returns void language sql {PINNED} as "
        "$$ select set_config('desk.account', u.account_id::text, true) from desk.users u "
        "where u.login = current_setting('desk.login', true) and u.account_id = p_account $$",
    ),
    "the context statement never asks": (
        BY_SWITCH,
        "desk.switch",
        "tenant_switch_unchecked",
        IN_A_TABLE + SWITCH.format(source="p_account"),
        SWITCH.format(source="u.account_id from desk.users u where u.login = p_login and u.account_id = p_account"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_leak_is_shown(database: Database, name: str) -> None:
    declaration, target, rule, bad, _ = CASES[name]
    found = errors(function_findings(database, parse_declaration(declaration, "tenancy.toml"), bad))
    assert [(finding.object, finding.rule) for finding in found] == [(target, rule)]
    assert found[0].evidence and found[0].evidence.witness and found[0].evidence.sql


@pytest.mark.parametrize("name", CASES)
def test_its_repair_shows_nothing(database: Database, name: str) -> None:
    declaration, _, _, bad, repair = CASES[name]
    found = function_findings(database, parse_declaration(declaration, "tenancy.toml"), f"{bad}; {repair}")
    assert errors(found) == []


def test_a_switch_that_writes_what_any_session_may_write_is_a_warning(database: Database) -> None:
    switch = CASES["switch beside the user's context"][3]
    found = function_findings(database, parse_declaration(BY_SETTING, "tenancy.toml"), switch)
    assert [(f.rule, f.severity) for f in found] == [("tenant_switch_unchecked", Severity.WARNING)]

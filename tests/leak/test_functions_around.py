"""Shadowed names, triggers, notifications and leakproof functions: shown where they leak, silent once repaired."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from leak_functions import PINNED, errors, function_findings

from dbkit.leak.paths import LEAK
from dbkit.postgres import Database
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import Declaration

Check = Callable[[str], list[Finding]]

STATEMENT = """create {replace} function app.statement(p_tenant uuid) returns setof text language plpgsql stable
{attributes} as $$
begin
    if not exists (select from {schema}memberships m where m.tenant_id = p_tenant and p_tenant = app.tenant()) then
        raise exception 'not a member';
    end if;
    return query select i.number from app.invoices i where i.tenant_id = p_tenant;
end $$"""
HELPER = """create {replace} function app.has_seat(p_tenant uuid) returns boolean language plpgsql stable as $$
begin return exists (select from {schema}memberships m where m.tenant_id = p_tenant); end $$"""
TOTALS = """create {replace} function app.tg_copy_memo() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    update app.invoices set memo = new.memo where number = new.number and id <> new.id {filter};
    return null;
end $$"""
TAKEN = """create {replace} function app.tg_number_free() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
declare other app.invoices;
begin
    select * into other from app.invoices where number = new.number and id <> new.id limit 1;
    if found then raise exception 'number taken{place}'{value}; end if;
    return new;
end $$"""
NOTIFY = """create {replace} function app.tg_notify() returns trigger language plpgsql as $$
begin perform pg_notify('tenant_' || new.tenant_id, {payload}); return null; end $$"""
LEAKPROOF = """create function app.fits(p_text text) returns boolean language plpgsql immutable leakproof cost 0.0001
as $$
begin {body} return true; end $$"""

# what is wrong -> (object, rule, SQL that is wrong, SQL that repairs it)
CASES: dict[str, tuple[str, str, str, str]] = {
    "definer without a search_path": (
        "app.statement",
        "search_path_shadowed",
        STATEMENT.format(replace="", attributes="security definer", schema=""),
        STATEMENT.format(
            replace="or replace",
            attributes="security definer set search_path = pg_catalog, pg_temp",
            schema="app.",
        ),
    ),
    "temporary tables come first on the pinned path": (
        "app.statement",
        "search_path_shadowed",
        STATEMENT.format(replace="", attributes="security definer set search_path = app", schema=""),
        "alter function app.statement(uuid) set search_path = app, pg_temp",
    ),
    "definer that writes an unqualified table": (
        "app.note",
        "search_path_shadowed",
        "create table app.log (tenant_id uuid not null references app.tenants (id), line text);"
        "create function app.note(p_line text) returns void language sql security definer set search_path = app as "
        "$$ insert into log (tenant_id, line) values (app.tenant(), p_line) $$",
        "alter function app.note(text) set search_path = app, pg_temp",
    ),
    "policy asks a helper that runs as its caller": (
        "app.has_seat",
        "search_path_shadowed",
        HELPER.format(replace="", schema="")
        + ";create policy seat on app.invoices for select to leak_app using (app.has_seat(tenant_id))",
        HELPER.format(replace="or replace", schema="app."),
    ),
    "unqualified table in dynamic SQL": (
        "app.count_of",
        "search_path_shadowed",
        "create function app.count_of() returns bigint language plpgsql security definer set search_path = app as $$ "
        "declare n bigint; begin execute 'select count(*) from invoices where tenant_id = app.tenant()' into n; "
        "return n; end $$",
        "alter function app.count_of() set search_path = app, pg_temp",
    ),
    "schema on the path that everybody may create in": (
        "app.label",
        "search_path_shadowed",
        "grant create on schema public to leak_app;"
        "create function app.label(p_text varchar) returns text language plpgsql security definer "
        "set search_path = public, pg_temp as $$ begin return upper(p_text); end $$",
        "revoke create on schema public from leak_app",
    ),
    "operator from a schema that everybody may create in": (
        "app.same",
        "search_path_shadowed",
        "create schema tools; grant usage, create on schema tools to leak_app;"
        "create function app.same(p_left varchar, p_right varchar) returns boolean language plpgsql security definer "
        "set search_path = tools, pg_temp as $$ begin return p_left = p_right; end $$",
        "alter function app.same(varchar, varchar) set search_path = pg_catalog, pg_temp",
    ),
    "function from a schema that comes before pg_catalog": (
        "app.digest",
        "search_path_shadowed",
        "create schema tools; grant usage, create on schema tools to leak_app;"
        "create function app.digest(p_text text) returns text language plpgsql security definer "
        "set search_path = tools, pg_catalog, pg_temp as $$ begin return md5(p_text); end $$",
        "alter function app.digest(text) set search_path = pg_catalog, tools, pg_temp",
    ),
    "trigger writes by a number of the tenant": (
        "app.tg_copy_memo",
        "trigger_writes_foreign_rows",
        TOTALS.format(replace="", filter="")
        + ";create trigger copy_memo after insert on app.invoices for each row execute function app.tg_copy_memo()",
        TOTALS.format(replace="or replace", filter="and tenant_id = new.tenant_id"),
    ),
    "trigger tells the other row": (
        "app.tg_number_free",
        "trigger_error_tells",
        TAKEN.format(replace="", place=" by %", value=", other.memo")
        + ";create trigger number_free before insert or update on app.invoices "
        "for each row execute function app.tg_number_free()",
        TAKEN.format(replace="or replace", place="", value=""),
    ),
    "notification of the row": (
        "app.tg_notify",
        "notify_payload_tells_rows",
        NOTIFY.format(replace="", payload="row_to_json(new)::text")
        + ";create trigger notify after insert or update on app.invoices "
        "for each row execute function app.tg_notify()",
        NOTIFY.format(replace="or replace", payload="new.id::text"),
    ),
    "leakproof function with a message": (
        "app.fits",
        "leakproof_function_leaks",
        LEAKPROOF.format(body="raise notice 'looking at %', p_text;"),
        "alter function app.fits(text) not leakproof",
    ),
    "leakproof function with a message for whoever asks": (
        "app.fits",
        "leakproof_function_leaks",
        LEAKPROOF.format(body="raise debug 'looking at %', p_text;"),
        "alter function app.fits(text) not leakproof",
    ),
    "leakproof function with an error": (
        "app.fits",
        "leakproof_function_leaks",
        LEAKPROOF.format(body="if p_text like 'memo of A%' then raise exception 'odd'; end if;"),
        "alter function app.fits(text) not leakproof",
    ),
}


@pytest.fixture
def check(clean: Database, declaration: Declaration) -> Check:
    """Run the checks of functions on the clean schema after some SQL."""
    return lambda sql: function_findings(clean, declaration, sql)


@pytest.mark.parametrize("name", CASES)
def test_a_leak_is_shown(check: Check, name: str) -> None:
    target, rule, bad, _ = CASES[name]
    found = errors(check(bad))
    assert [(finding.object, finding.rule) for finding in found] == [(target, rule)]
    evidence = found[0].evidence
    assert found[0].verdict == LEAK and "Needs: " in (found[0].detail or "")
    assert evidence and evidence.sql and evidence.witness and evidence.control


@pytest.mark.parametrize("name", CASES)
def test_its_repair_shows_nothing(check: Check, name: str) -> None:
    _, _, bad, repair = CASES[name]
    assert errors(check(f"{bad}; {repair}")) == []


def test_a_shadow_needs_temporary_on_the_database(check: Check) -> None:
    bad = CASES["temporary tables come first on the pinned path"][2]
    revoke = "do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$"
    assert errors(check(f"{bad}; {revoke}")) == []


def test_an_unpinned_definer_that_no_shadow_opens_is_a_warning(check: Check) -> None:
    found = check(
        "create function app.shout(p_text text) returns text language sql stable security definer as "
        "$$ select upper(p_text) $$"
    )
    assert [f.rule for f in found if f.severity is Severity.WARNING] == ["definer_without_search_path"]


def test_ids_in_a_notification_are_a_warning(check: Check) -> None:
    _, _, bad, repair = CASES["notification of the row"]
    found = check(f"{bad}; {repair}")
    assert [f.rule for f in found if f.severity is Severity.WARNING] == ["notify_payload_tells_ids"]


def test_notifying_leaves_the_rows_as_they_were(clean: Database, declaration: Declaration) -> None:
    import psycopg

    found = function_findings(clean, declaration, CASES["notification of the row"][2])
    assert errors(found)
    with psycopg.connect(clean.conninfo) as connection:
        row = connection.execute("select count(*), count(distinct tenant_id) from app.invoices").fetchone()
    assert row == (4, 2)


def test_a_leakproof_function_that_tells_nothing_is_a_warning(check: Check) -> None:
    found = check(LEAKPROOF.format(body=""))
    assert [f.rule for f in found if f.severity is Severity.WARNING] == ["leakproof_function_sees_hidden_rows"]


def test_a_scoped_audit_trigger_is_no_error(check: Check) -> None:
    found = check(
        "create table app.audit (tenant_id uuid not null references app.tenants (id), row_image jsonb);"
        "alter table app.audit enable row level security, force row level security;"
        "create policy own on app.audit for select to leak_app using (tenant_id = (select app.tenant()));"
        "grant select on app.audit to leak_app;"
        f"create function app.tg_audit() returns trigger language plpgsql {PINNED} as $$ begin "
        "insert into app.audit values (new.tenant_id, to_jsonb(new)); return null; end $$;"
        "create trigger audit after insert or update on app.invoices for each row execute function app.tg_audit()"
    )
    assert errors(found) == []

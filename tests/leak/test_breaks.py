"""The proof can fail: each deliberately broken schema is reported as a leak with a witness, its clean twin holds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from leak_schema import TENANCY, execute

from dbkit.leak import Proof, prove
from dbkit.leak.paths import HOLDS, LEAK, UNVERIFIED
from dbkit.leak.render import report_of
from dbkit.postgres import Database
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import parse_declaration

Prove = Callable[[str], Proof]


def leaking(proof: Proof) -> set[tuple[str, str, str]]:
    """(table, command, state) of every leak; each must have a witness and the SQL that shows it."""
    leaks = [path for path in proof.paths if path.verdict == LEAK]
    for path in leaks:
        assert path.witness, f"no witness for {path}"
        assert path.sql.rstrip().endswith("rollback;"), f"nothing to paste for {path}"
        assert path.control, f"no control for {path}"
    return {(path.table, path.command, path.state) for path in leaks}


def findings(proof: Proof, rule: str) -> list[Finding]:
    return [finding for finding in report_of(proof).findings if finding.rule == rule]


def test_the_clean_schema_holds(proven: Prove) -> None:
    proof = proven("")
    assert {path.verdict for path in proof.paths} == {HOLDS}
    assert report_of(proof).exit_code == 0
    assert {path.table for path in proof.paths} == {
        "app.users",
        "app.tenants",
        "app.memberships",
        "app.invoices",
        "app.invoice_lines",
    }
    # Every state there is was tried on every table and command.
    assert len(proof.paths) == 5 * 8 * 9
    # Held for a reason, not for want of privileges: own rows came back or were written.
    own = [path for path in proof.paths if path.table == "app.invoices" and path.state == "right"]
    assert {path.command for path in own if "on the own rows" in path.control} == {path.command for path in own}


INVOICES = "app.invoices"
# what is broken -> SQL, and leaks that must be among those reported
BREAKS: dict[str, tuple[str, set[tuple[str, str, str]]]] = {
    "row security disabled": (
        "alter table app.invoices disable row level security",
        {(INVOICES, command, "right") for command in ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "COPY TO")},
    ),
    "using true": (
        "alter policy own_select on app.invoices using (true)",
        {(INVOICES, "SELECT", "right"), (INVOICES, "SELECT", "none"), (INVOICES, "COPY TO", "right")},
    ),
    "with check true on insert": (
        "alter policy own_insert on app.invoices with check (true)",
        {(INVOICES, "INSERT", "right"), (INVOICES, "INSERT", "none"), (INVOICES, "MERGE", "right")},
    ),
    "update moves rows": (
        "alter policy own_update on app.invoices with check (true)",
        {(INVOICES, "UPDATE", "right")},
    ),
    "update takes rows over": (
        "alter policy own_update on app.invoices using (true)",
        {(INVOICES, "UPDATE", "right")},
    ),
    "blind delete": (
        "alter policy own_delete on app.invoices using (true)",
        {(INVOICES, "DELETE", "right"), (INVOICES, "DELETE", "none")},
    ),
    "is null or": (
        "alter policy own_select on app.invoices using (app.tenant() is null or tenant_id = app.tenant())",
        {(INVOICES, "SELECT", state) for state in ("none", "empty", "malformed", "residue", "suspended")},
    ),
    "second permissive policy": (
        "create policy staff on app.invoices for select to leak_app using (amount > 0)",
        {(INVOICES, "SELECT", "right")},
    ),
    "grant without policy": (
        "create table app.notes (tenant_id uuid not null references app.tenants, id uuid primary key, body text);"
        "alter table app.notes owner to leak_owner; grant select, insert on app.notes to leak_app",
        {("app.notes", "SELECT", "right"), ("app.notes", "INSERT", "right")},
    ),
    "plain setting": (
        "alter policy own_select on app.invoices using (tenant_id::text = current_setting('app.tenant_id', true))",
        {(INVOICES, "SELECT", "forged"), (INVOICES, "COPY TO", "forged")},
    ),
    "switch in a setting": (
        "alter policy own_select on app.invoices"
        " using (tenant_id = app.tenant() or current_setting('app.is_admin', true) = 'on')",
        {(INVOICES, "SELECT", "forged")},
    ),
    "membership not checked": (
        """create or replace function app.set_context(p_user uuid, p_tenant uuid) returns void
           language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
           begin
               perform set_config('app.tenant_id', p_tenant::text, true);
               perform set_config('app.seal', app.seal(p_tenant::text), true);
           end $$""",
        {(INVOICES, "SELECT", "other"), (INVOICES, "SELECT", "suspended"), (INVOICES, "INSERT", "other")},
    ),
    "status not checked": (
        """create or replace function app.set_context(p_user uuid, p_tenant uuid) returns void
           language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
           begin
               if not exists (select from app.memberships m where m.user_id = p_user and m.tenant_id = p_tenant) then
                   raise exception 'not a member';
               end if;
               perform set_config('app.tenant_id', p_tenant::text, true);
               perform set_config('app.seal', app.seal(p_tenant::text), true);
           end $$""",
        {(INVOICES, "SELECT", "suspended"), (INVOICES, "UPDATE", "suspended")},
    ),
    "session residue": (
        """create or replace function app.set_context(p_user uuid, p_tenant uuid) returns void
           language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
           begin
               if not exists (select from app.memberships m
                              where m.user_id = p_user and m.tenant_id = p_tenant and m.status = 'active') then
                   raise exception 'not a member';
               end if;
               perform set_config('app.tenant_id', p_tenant::text, false);
               perform set_config('app.seal', encode(sha256(key || convert_to(p_tenant::text, 'UTF8')), 'hex'), false)
               from app.context_key;
           end $$;
           create or replace function app.seal(p_tenant text) returns text
           language sql stable security definer set search_path = pg_catalog, pg_temp as $$
               select encode(sha256(key || convert_to(p_tenant, 'UTF8')), 'hex') from app.context_key $$""",
        {(INVOICES, "SELECT", "residue"), (INVOICES, "DELETE", "residue")},
    ),
    "owner not forced": (
        "alter table app.invoices no force row level security; alter table app.invoices owner to leak_app",
        {(INVOICES, "SELECT", "right"), (INVOICES, "DELETE", "none")},
    ),
    "error that shows data": (
        """create function app.tg_peek() returns trigger
           language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
           declare v_memo text;
           begin
               select memo into v_memo from app.invoices where tenant_id <> new.tenant_id limit 1;
               raise exception 'conflicts with %', v_memo;
           end $$;
           create trigger peek before insert on app.invoices for each row execute function app.tg_peek();
           alter function app.tg_peek() owner to postgres""",
        {(INVOICES, "INSERT", "right")},
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_schema_leaks(proven: Prove, name: str) -> None:
    sql, expected = BREAKS[name]
    proof = proven(sql)
    found = leaking(proof)
    assert expected <= found
    # What was not broken still holds; a broken context opens every table that asks it.
    tables = {table for table, _, _ in expected}
    if "app.set_context" in sql:
        tables |= {"app.tenants", "app.memberships", "app.invoice_lines"}
    assert {table for table, _, _ in found} == tables
    assert report_of(proof).exit_code == 1


def test_a_dropped_fence_leaks_and_its_twin_holds(proven: Prove) -> None:
    fenced = """
        drop policy own on app.invoice_lines;
        create policy anyone on app.invoice_lines to leak_app using (true) with check (true);
        create policy tenant_fence on app.invoice_lines as restrictive to leak_app
            using (tenant_id = (select app.tenant())) with check (tenant_id = (select app.tenant()));
    """
    assert leaking(proven(fenced)) == set()


def test_the_fence_dropped(proven: Prove) -> None:
    proof = proven(
        "drop policy own on app.invoice_lines;"
        "create policy anyone on app.invoice_lines to leak_app using (true) with check (true)"
    )
    assert ("app.invoice_lines", "SELECT", "right") in leaking(proof)


def test_a_dropped_policy_closes_the_table_and_says_so(proven: Prove) -> None:
    proof = proven("drop policy own on app.invoice_lines")
    assert leaking(proof) == set()
    reasons = {path.reason for path in proof.paths if path.table == "app.invoice_lines"}
    assert "no policy admits the role" in reasons
    assert [finding.object for finding in findings(proof, "rls_without_policy")] == ["app.invoice_lines"]


def test_not_forced_is_a_finding_even_where_the_app_role_is_not_the_owner(proven: Prove) -> None:
    proof = proven("alter table app.invoices no force row level security")
    assert [finding.object for finding in findings(proof, "rls_not_forced")] == [INVOICES]
    assert report_of(proof).exit_code == 0


def test_truncate_is_shown_by_running_it(proven: Prove) -> None:
    proof = proven("grant truncate on app.invoice_lines to leak_app")
    (finding,) = findings(proof, "truncate_granted")
    assert finding.verdict == LEAK
    assert finding.evidence and finding.evidence.witness == "the table is empty for everybody"


@pytest.mark.parametrize("attribute", ["superuser", "bypassrls"])
def test_an_app_role_that_bypasses_is_the_finding(proven: Prove, clean: Database, attribute: str) -> None:
    try:
        proof = proven(f"alter role leak_app {attribute}")
    finally:
        execute(clean.conninfo, f"alter role leak_app no{attribute}")
    (finding,) = findings(proof, "app_role_bypasses_rls")
    assert finding.verdict == LEAK
    assert finding.evidence and "rows of app." in (finding.evidence.witness or "")
    assert "app.invoices" in (finding.detail or "")
    assert proof.paths == []
    assert report_of(proof).exit_code == 1


def test_a_role_that_may_become_a_bypassing_one(proven: Prove, clean: Database) -> None:
    try:
        proof = proven(
            "create role leak_root nologin bypassrls; grant usage on schema app to leak_root;"
            "grant select on all tables in schema app to leak_root; grant leak_root to leak_app"
        )
    finally:
        execute(clean.conninfo, "drop owned by leak_root; drop role leak_root")
    (finding,) = findings(proof, "app_role_may_bypass_rls")
    assert finding.evidence and finding.evidence.sql and "set local role leak_root" in finding.evidence.sql
    assert finding.evidence.witness


def test_an_unclassified_table_is_unverified(proven: Prove) -> None:
    proof = proven(
        "create table app.events (id uuid primary key, payload jsonb);grant select, update on app.events to leak_app"
    )
    (finding,) = findings(proof, "table_not_classified")
    assert (finding.object, finding.verdict) == ("app.events", UNVERIFIED)
    assert report_of(proof).exit_code == 2


def test_a_table_that_cannot_be_populated_is_unverified(proven: Prove) -> None:
    proof = proven(
        "create function app.never(text) returns boolean language sql immutable as 'select false';"
        "create table app.odd (tenant_id uuid not null references app.tenants, code text not null);"
        "alter table app.odd add constraint odd_code_check check (app.never(code));"
        "alter table app.odd enable row level security, force row level security;"
        "create policy own on app.odd to leak_app using (tenant_id = (select app.tenant()));"
        "grant select, insert on app.odd to leak_app"
    )
    odd = [path for path in proof.paths if path.table == "app.odd"]
    assert {path.verdict for path in odd} == {UNVERIFIED}
    assert "odd_code_check" in odd[0].reason
    assert report_of(proof).exit_code == 2


def test_a_control_that_does_not_work_is_unverified(proven: Prove) -> None:
    """A policy that also shuts the caller out looks tight and proves nothing."""
    proof = proven("alter policy own_select on app.invoices using (tenant_id = (select app.tenant()) and amount < 0)")
    selects = [path for path in proof.paths if path.table == INVOICES and path.command == "SELECT"]
    assert {path.verdict for path in selects} == {UNVERIFIED}
    assert "control does not work" in selects[0].reason
    assert report_of(proof).exit_code == 2


def test_a_context_that_changes_nothing_is_vacuous(proven: Prove) -> None:
    proof = proven(
        """create or replace function app.set_context(p_user uuid, p_tenant uuid) returns void
           language plpgsql as 'begin end'"""
    )
    (finding,) = findings(proof, "proof_is_vacuous")
    assert finding.verdict == UNVERIFIED
    assert report_of(proof).exit_code == 2


def test_an_internal_table_within_reach(proven: Prove, clean: Database) -> None:
    declaration = parse_declaration({**TENANCY, "internal": ["app.context_key"]}, "tenancy.toml")
    conninfo = clean.conninfo
    assert findings(prove(conninfo, declaration), "internal_table_reachable") == []
    execute(
        conninfo,
        "truncate app.users cascade; truncate app.tenants cascade; grant select on app.context_key to leak_app",
    )
    (finding,) = findings(prove(conninfo, declaration), "internal_table_reachable")
    assert finding.object == "app.context_key"


def test_a_view_with_its_owners_rights_leaks_and_an_invoker_view_holds(proven: Prove) -> None:
    proof = proven(
        """create view app.totals as select id, tenant_id, memo from app.invoices;
           create view app.own_totals with (security_invoker = true) as select id, tenant_id, memo from app.invoices;
           create materialized view app.snapshot as select id, tenant_id, memo from app.invoices;
           create view app.heads as select count(*) as invoices from app.invoices;
           grant select on app.totals, app.own_totals, app.snapshot, app.heads to leak_app"""
    )
    found = leaking(proof)
    assert {table for table, _, _ in found} == {"app.totals", "app.snapshot"}
    assert ("app.totals", "SELECT", "none") in found
    held = {path.state: path for path in proof.paths if path.table == "app.own_totals"}
    assert {path.verdict for path in held.values()} == {HOLDS}
    assert "4 rows" in held["right"].control  # what the administrator sees
    heads = {path.reason for path in proof.paths if path.table == "app.heads"}
    assert heads == {"no row of a tenant is recognisable in it, even for the administrator"}
    assert {finding.object for finding in findings(proof, "view_bypasses_policies")} == {"app.totals", "app.snapshot"}


def test_a_reference_to_another_tenants_row(proven: Prove) -> None:
    proof = proven(
        """create table app.files (tenant_id uuid not null references app.tenants, id uuid primary key,
               unique (tenant_id, id));
           create table app.composite (tenant_id uuid not null, id uuid primary key, file uuid not null,
               foreign key (tenant_id, file) references app.files (tenant_id, id));
           create table app.single (tenant_id uuid not null, id uuid primary key,
               file uuid not null references app.files);
           alter table app.files enable row level security, force row level security;
           alter table app.composite enable row level security, force row level security;
           alter table app.single enable row level security, force row level security;
           create policy own on app.files to leak_app using (tenant_id = (select app.tenant()));
           create policy own on app.composite to leak_app using (tenant_id = (select app.tenant()));
           create policy own on app.single to leak_app using (tenant_id = (select app.tenant()));
           grant select, insert on app.files, app.composite, app.single to leak_app"""
    )
    assert leaking(proof) == {("app.single", "INSERT", "right")}
    (finding,) = findings(proof, "reference_crosses_tenants")
    assert (finding.object, finding.category) == ("app.single", "RI-01")


FELLOW = """
    create function app.is_fellow(p_user uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    as $$ select exists (select from app.memberships where user_id = p_user and tenant_id = app.tenant()) $$;
    alter function app.is_fellow owner to leak_owner;
    grant insert on app.memberships to leak_app;
    create policy join_in on app.memberships for insert to leak_app with check ({condition});
"""


def test_a_person_may_not_join_another_tenant_by_writing_the_membership(proven: Prove) -> None:
    proof = proven(FELLOW.format(condition="app.is_fellow(user_id)"))
    assert ("app.memberships", "INSERT", "right") in leaking(proof)
    path = next(path for path in proof.paths if path.table == "app.memberships" and path.command == "INSERT")
    assert "the caller's own name in the other tenant" in path.reason


def test_writing_memberships_of_the_own_tenant_holds(proven: Prove) -> None:
    assert leaking(proven(FELLOW.format(condition="tenant_id = (select app.tenant())"))) == set()


def test_an_always_true_policy_is_named_even_where_something_else_refuses(proven: Prove) -> None:
    """Without a privilege on the tenant column nothing can be moved, but only that is in the way."""
    proof = proven(
        "revoke update on app.invoices from leak_app; grant update (memo) on app.invoices to leak_app;"
        "alter policy own_update on app.invoices using (true)"
    )
    assert leaking(proof) == set()
    (named,) = findings(proof, "policy_always_true")
    assert (named.object, named.severity) == (INVOICES, Severity.WARNING)
    assert report_of(proof).exit_code == 0, "a warning is no leak"


def test_a_definer_function_within_reach_is_named(proven: Prove) -> None:
    held = findings(proven(""), "definer_function_holds")
    assert {finding.object for finding in held} == {"app.set_context", "app.tenant"}
    assert all(finding.verdict == HOLDS and finding.evidence for finding in held)

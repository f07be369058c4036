"""Functions called with another tenant's ids: each defect is shown with a witness, its repaired twin shows nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from leak_functions import PINNED, errors, function_findings
from leak_schema import execute

from dbkit.leak.paths import HOLDS, LEAK
from dbkit.postgres import Database
from dbkit.report import Finding, Severity
from dbkit.tenancy.declaration import Declaration

Check = Callable[[str], list[Finding]]

JOBS = """
create table app.jobs (
    id uuid primary key default gen_random_uuid(), tenant_id uuid not null references app.tenants (id),
    kind text not null, claimed boolean not null default false
);
alter table app.jobs enable row level security, force row level security;
create policy own on app.jobs for select to leak_app using (tenant_id = (select app.tenant()));
grant select on app.jobs to leak_app;
"""
SUPPORT = """
create policy support on app.invoices for select to leak_app
    using (current_setting('app.support_key', true) = 'only the helpdesk knows');
"""

# The answer is random, so that whose row it is for shows in nothing but whether there is one.
SHARE = (
    f"create or replace function app.share(p_number text) returns text language plpgsql {PINNED} as $$ "
    "declare found_id uuid; begin select i.id into strict found_id from app.invoices i where {condition}; "
    "return gen_random_uuid()::text; end $$"
)
NOTES = """
create table app.notes (
    tenant_id uuid not null references app.tenants (id), id bigint generated always as identity primary key,
    title text not null, state text not null default 'draft' check (state in ('draft', 'published'))
);
alter table app.notes enable row level security, force row level security;
create policy own on app.notes for select to leak_app using (tenant_id = (select app.tenant()));
grant select on app.notes to leak_app;
"""
SHARE_NOTE = (
    f"create or replace function app.share_note(p_title text) returns text language plpgsql {PINNED} as $$ declare "
    "found_id bigint; begin select n.id into strict found_id from app.notes n where n.title = p_title and "
    "n.state = 'published' and {condition}; return gen_random_uuid()::text; end $$"
)

# what is wrong -> (object, rule, SQL that is wrong, SQL that repairs it)
CASES: dict[str, tuple[str, str, str, str]] = {
    "row by id, composite result": (
        "app.invoice",
        "definer_function_reads_foreign_rows",
        f"create function app.invoice(p_id uuid) returns app.invoices language sql stable {PINNED} as "
        "$$ select i from app.invoices i where i.id = p_id $$",
        "alter function app.invoice(uuid) security invoker",
    ),
    "row by a number that is a text key": (
        "app.invoice_by_number",
        "definer_function_reads_foreign_rows",
        "create function app.invoice_by_number(p_search text) returns table (id uuid, memo text) language sql stable "
        f"{PINNED} as $$ select i.id, i.memo from app.invoices i where i.number = p_search $$",
        "create or replace function app.invoice_by_number(p_search text) returns table (id uuid, memo text) "
        f"language sql stable {PINNED} as $$ select i.id, i.memo from app.invoices i "
        "where i.number = p_search and i.tenant_id = app.tenant() $$",
    ),
    "search by a pattern": (
        "app.search",
        "definer_function_reads_foreign_rows",
        f"create function app.search(p_q text) returns setof text language sql stable {PINNED} as "
        "$$ select memo from app.invoices where memo ilike '%' || p_q || '%' $$",
        f"create or replace function app.search(p_q text) returns setof text language sql stable {PINNED} as "
        "$$ select memo from app.invoices where memo ilike '%' || p_q || '%' and tenant_id = app.tenant() $$",
    ),
    "figure of the tenant that the caller names": (
        "app.revenue",
        "definer_function_reads_foreign_rows",
        f"create function app.revenue(p_tenant uuid) returns numeric language sql stable {PINNED} as "
        "$$ select coalesce(sum(amount), 0) from app.invoices where tenant_id = p_tenant $$",
        f"create or replace function app.revenue(p_tenant uuid) returns numeric language sql stable {PINNED} as "
        "$$ select coalesce(sum(amount), 0) from app.invoices "
        "where tenant_id = p_tenant and p_tenant = app.tenant() $$",
    ),
    "OUT parameters": (
        "app.invoice_info",
        "definer_function_reads_foreign_rows",
        "create function app.invoice_info(p_invoice uuid, out number text, out memo text) language plpgsql stable "
        f"{PINNED} as $$ begin select i.number, i.memo into number, memo from app.invoices i where i.id = p_invoice; "
        "end $$",
        "create or replace function app.invoice_info(p_invoice uuid, out number text, out memo text) language plpgsql "
        f"stable {PINNED} as $$ begin select i.number, i.memo into number, memo from app.invoices i "
        "where i.id = p_invoice and i.tenant_id = app.tenant(); end $$",
    ),
    "ids in a json argument": (
        "app.update_invoice",
        "definer_function_writes_foreign_rows",
        f"create function app.update_invoice(p_data jsonb) returns void language plpgsql {PINNED} as $$ begin "
        "update app.invoices set memo = p_data ->> 'memo' where id = (p_data ->> 'invoiceId')::uuid; end $$",
        f"create or replace function app.update_invoice(p_data jsonb) returns void language plpgsql {PINNED} as $$ "
        "begin update app.invoices set memo = p_data ->> 'memo' where id = (p_data ->> 'invoiceId')::uuid "
        "and tenant_id = app.tenant(); end $$",
    ),
    "procedure that deletes by id": (
        "app.remove_line",
        "definer_function_writes_foreign_rows",
        f"create procedure app.remove_line(p_id uuid) language sql {PINNED} as "
        "$$ delete from app.invoice_lines where id = p_id $$",
        f"create or replace procedure app.remove_line(p_id uuid) language sql {PINNED} as "
        "$$ delete from app.invoice_lines where id = p_id and tenant_id = app.tenant() $$",
    ),
    "one of two overloaded functions": (
        "app.memo",
        "definer_function_reads_foreign_rows",
        f"create function app.memo(p_number text) returns text language sql stable {PINNED} as "
        "$$ select memo from app.invoices where number = p_number and tenant_id = app.tenant() $$;"
        f"create function app.memo(p_id uuid) returns text language sql stable {PINNED} as "
        "$$ select memo from app.invoices where id = p_id $$",
        "drop function app.memo(uuid)",
    ),
    "variadic ids": (
        "app.memos",
        "definer_function_reads_foreign_rows",
        f"create function app.memos(variadic p_ids uuid[]) returns setof text language sql stable {PINNED} as "
        "$$ select memo from app.invoices where id = any (p_ids) $$",
        f"create or replace function app.memos(variadic p_ids uuid[]) returns setof text language sql stable {PINNED} "
        "as $$ select memo from app.invoices where id = any (p_ids) and tenant_id = app.tenant() $$",
    ),
    "a default that means everybody": (
        "app.export",
        "definer_function_reads_foreign_rows",
        f"create function app.export(p_tenant uuid default null) returns setof json language sql stable {PINNED} as "
        "$$ select row_to_json(i) from app.invoices i where p_tenant is null or i.tenant_id = p_tenant $$",
        f"create or replace function app.export(p_tenant uuid default null) returns setof json language sql stable "
        f"{PINNED} as $$ select row_to_json(i) from app.invoices i where i.tenant_id = app.tenant() $$",
    ),
    "maintenance that everybody may run": (
        "app.purge_below",
        "definer_function_writes_foreign_rows",
        f"create function app.purge_below(p_amount numeric) returns void language sql {PINNED} as "
        "$$ delete from app.invoice_lines; delete from app.invoices where amount < p_amount + 1000000 $$",
        "revoke execute on function app.purge_below(numeric) from public",
    ),
    "maintenance that truncates": (
        "app.reset_lines",
        "definer_function_writes_foreign_rows",
        f"create function app.reset_lines() returns void language sql {PINNED} as $$ truncate app.invoice_lines $$",
        "revoke execute on function app.reset_lines() from public",
    ),
    "body that was resolved when it was made": (
        "app.line",
        "definer_function_reads_foreign_rows",
        "create function app.line(p_id uuid) returns text language sql stable security definer "
        "begin atomic select descr from app.invoice_lines where id = p_id; end",
        "create or replace function app.line(p_id uuid) returns text language sql stable security definer "
        "begin atomic select descr from app.invoice_lines where id = p_id and tenant_id = app.tenant(); end",
    ),
    "through an inner function and a view": (
        "app.outer_memo",
        "definer_function_reads_foreign_rows",
        "create view app.everything as select id, memo from app.invoices;"
        "create function app.inner_memo(p uuid) returns text language sql stable as "
        "$$ select memo from app.everything where id = p $$;"
        "revoke execute on function app.inner_memo(uuid) from public;"
        f"create function app.outer_memo(p_invoice_id uuid) returns text language sql stable {PINNED} as "
        "$$ select app.inner_memo(p_invoice_id) $$",
        "alter view app.everything set (security_invoker = true);"
        "alter function app.outer_memo(uuid) security invoker; grant execute on function app.inner_memo(uuid) to "
        "leak_app; grant select on app.everything to leak_app",
    ),
    "cursor": (
        "app.open_invoices",
        "definer_function_reads_foreign_rows",
        f"create function app.open_invoices() returns refcursor language plpgsql {PINNED} as $$ "
        "declare c refcursor := 'invoices_cursor'; begin open c for select * from app.invoices; return c; end $$",
        f"create or replace function app.open_invoices() returns refcursor language plpgsql {PINNED} as $$ "
        "declare c refcursor := 'invoices_cursor'; begin open c for select * from app.invoices "
        "where tenant_id = app.tenant(); return c; end $$",
    ),
    "injection into a string": (
        "app.find",
        "definer_function_injectable",
        f"create function app.find(p_number text) returns setof text language plpgsql stable {PINNED} as $$ begin "
        "return query execute 'select memo from app.invoices where tenant_id = app.tenant() and number = ''' "
        "|| p_number || ''''; end $$",
        f"create or replace function app.find(p_number text) returns setof text language plpgsql stable {PINNED} as $$ "
        "begin return query execute 'select memo from app.invoices where tenant_id = app.tenant() and number = $1' "
        "using p_number; end $$",
    ),
    "injection into an order": (
        "app.sorted",
        "definer_function_injectable",
        f"create function app.sorted(p_order text default 'number') returns setof text language plpgsql {PINNED} as $$ "
        "begin return query execute format('select memo from app.invoices where tenant_id = app.tenant() order by %s', "
        "p_order); end $$",
        "create or replace function app.sorted(p_order text default 'number') returns setof text language plpgsql "
        f"{PINNED} as $$ begin return query execute "
        "format('select memo from app.invoices where tenant_id = app.tenant() order by %I', p_order); end $$",
    ),
    "name of the table as an argument": (
        "app.dump",
        "definer_function_reads_foreign_rows",
        f"create function app.dump(p_table text) returns setof text language plpgsql stable {PINNED} as $$ begin "
        "return query execute format('select t::text from app.%I t', p_table); end $$",
        f"create or replace function app.dump(p_table text) returns setof text language plpgsql stable {PINNED} as $$ "
        "begin return query execute format('select t::text from app.%I t where t.tenant_id = app.tenant()', p_table); "
        "end $$",
    ),
    "switch without a check": (
        "app.switch_tenant",
        "tenant_switch_unchecked",
        f"create function app.switch_tenant(p_tenant uuid) returns void language plpgsql {PINNED} as $$ begin "
        "perform set_config('app.tenant_id', p_tenant::text, true); "
        "perform set_config('app.seal', app.seal(p_tenant::text), true); end $$",
        f"create or replace function app.switch_tenant(p_tenant uuid) returns void language plpgsql {PINNED} as $$ "
        "begin if p_tenant is distinct from app.tenant() then raise exception 'not yours'; end if; "
        "perform set_config('app.tenant_id', p_tenant::text, true); "
        "perform set_config('app.seal', app.seal(p_tenant::text), true); end $$",
    ),
    "setting of a function opens a policy": (
        "app.totals",
        "function_setting_opens_policies",
        SUPPORT + "create function app.totals() returns table (number text, memo text) language sql stable "
        "set app.support_key = 'only the helpdesk knows' as $$ select number, memo from app.invoices $$",
        "alter function app.totals() reset app.support_key",
    ),
    "queue: claims anybody's job": (
        "app.claim",
        "queue_crosses_tenants",
        JOBS + f"create function app.claim(p_limit int) returns setof app.jobs language sql {PINNED} as $$ "
        "update app.jobs set claimed = true "
        "where id in (select id from app.jobs where not claimed limit p_limit + 100) returning * $$",
        f"create or replace function app.claim(p_limit int) returns setof app.jobs language sql {PINNED} as $$ "
        "update app.jobs set claimed = true where tenant_id = app.tenant() and not claimed returning * $$",
    ),
    "queue: enqueues for anybody": (
        "app.enqueue",
        "queue_crosses_tenants",
        JOBS + f"create function app.enqueue(p_tenant uuid, p_kind text) returns void language sql {PINNED} as "
        "$$ insert into app.jobs (tenant_id, kind) values (p_tenant, p_kind) $$",
        f"create or replace function app.enqueue(p_tenant uuid, p_kind text) returns void language sql {PINNED} as "
        "$$ insert into app.jobs (tenant_id, kind) select p_tenant, p_kind where p_tenant = app.tenant() $$",
    ),
    "composite argument": (
        "app.store",
        "definer_function_writes_foreign_rows",
        f"create function app.store(p_row app.invoices) returns void language sql {PINNED} as "
        "$$ update app.invoices set memo = (p_row).memo where id = (p_row).id $$",
        "alter function app.store(app.invoices) security invoker",
    ),
    "numbers as rows": (
        "app.amounts",
        "definer_function_reads_foreign_rows",
        f"create function app.amounts() returns setof numeric language sql stable {PINNED} as "
        "$$ select amount from app.invoices $$",
        f"create or replace function app.amounts() returns setof numeric language sql stable {PINNED} as "
        "$$ select amount from app.invoices where tenant_id = app.tenant() $$",
    ),
    "the latest of all": (
        "app.latest",
        "definer_function_reads_foreign_rows",
        f"create function app.latest() returns text language sql stable {PINNED} as "
        "$$ select memo from app.invoices order by (tenant_id = app.tenant()) desc limit 1 $$",
        f"create or replace function app.latest() returns text language sql stable {PINNED} as "
        "$$ select memo from app.invoices where tenant_id = app.tenant() limit 1 $$",
    ),
    "token for a row, another each time": (
        "app.share",
        "definer_function_reads_foreign_rows",
        SHARE.format(condition="i.number = p_number"),
        SHARE.format(condition="i.number = p_number and i.tenant_id = app.tenant()"),
    ),
    "token for a row that waits for its step": (
        "app.share_note",
        "definer_function_reads_foreign_rows",
        NOTES + SHARE_NOTE.format(condition="true"),
        SHARE_NOTE.format(condition="n.tenant_id = app.tenant()"),
    ),
    "error text": (
        "app.assert_free",
        "definer_function_reads_foreign_rows",
        f"create function app.assert_free(p_number text) returns void language plpgsql {PINNED} as $$ "
        "declare other text; begin select memo into other from app.invoices where number = p_number; "
        "if found then raise exception 'taken by %', other; end if; end $$",
        f"create or replace function app.assert_free(p_number text) returns void language plpgsql {PINNED} as $$ "
        "begin if exists (select from app.invoices where number = p_number) then raise exception 'taken'; end if; "
        "end $$",
    ),
}

# Functions that look like leaks and are none, or none that can be shown: nothing at error level.
HARMLESS = {
    "membership helper with a user argument": f"""
        create function app.is_member(p_user uuid, p_tenant uuid) returns boolean language sql stable {PINNED} as
        $$ select exists (select from app.memberships where user_id = p_user and tenant_id = p_tenant) $$""",
    "login by a secret token": f"""
        create table app.sessions (token text primary key, user_id uuid not null references app.users (id));
        create function app.session_user_of(p_token text) returns app.users language sql stable {PINNED} as
        $$ select u from app.users u join app.sessions s on s.user_id = u.id where s.token = p_token $$""",
    "registration": f"""
        create function app.register(p_email text, p_tenant_name text) returns uuid language plpgsql {PINNED} as $$
        declare new_tenant uuid; new_user uuid := gen_random_uuid();
        begin
            insert into app.users (id, email) values (new_user, p_email || '.new');
            insert into app.tenants (name) values (p_tenant_name) returning id into new_tenant;
            insert into app.memberships (tenant_id, user_id) values (new_tenant, new_user);
            return new_tenant;
        end $$""",
    "sleeps": f"create function app.nap() returns void language sql {PINNED} as $$ select pg_sleep(60) $$",
    "loops": f"""create function app.spin(p_id uuid) returns text language plpgsql {PINNED} as
        $$ begin loop null; end loop; end $$""",
    "calls out and is not there": """create function app.broken(p_id uuid) returns text language plpgsql
        security definer as $$ begin return (select x from nowhere.nothing where id = p_id); end $$""",
    "random answer": f"""create function app.lottery(p_tenant uuid) returns float language sql volatile {PINNED} as
        $$ select random() from app.invoices where tenant_id = p_tenant $$""",
    "token that needs everybody's rows": f"""
        create function app.raffle(p_number text) returns text language plpgsql {PINNED} as $$ begin
            if (select count(distinct tenant_id) from app.invoices) < 2 then raise exception 'too few'; end if;
            return gen_random_uuid()::text; end $$""",
    "token for a row that everybody may read": f"""
        create policy open on app.invoices for select to leak_app using (true);
        {SHARE.format(condition="i.number = p_number")}""",
    "token for a row whose id is random": f"""
        create function app.share_by_id(p_id uuid) returns text language plpgsql {PINNED} as $$ declare found_id uuid;
        begin
            select i.id into strict found_id from app.invoices i where i.id = p_id;
            return gen_random_uuid()::text;
        end $$""",
    "procedure that commits": """create procedure app.batch() language plpgsql security invoker as
        $$ begin delete from app.invoice_lines; commit; end $$""",
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
    assert evidence and evidence.witness and evidence.control
    assert (evidence.sql or "").rstrip().endswith("rollback;")


@pytest.mark.parametrize("name", CASES)
def test_its_repair_shows_nothing(check: Check, name: str) -> None:
    _, _, bad, repair = CASES[name]
    assert errors(check(f"{bad}; {repair}")) == []


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_a_leak_is_no_error(check: Check, name: str) -> None:
    assert errors(check(HARMLESS[name])) == []


def test_the_clean_schema_says_that_its_functions_hold(check: Check) -> None:
    found = check("select")
    assert {finding.verdict for finding in found} == {HOLDS}
    assert {finding.object for finding in found} == {"app.set_context", "app.tenant"}


SIZE = (
    f"create or replace function app.size() returns bigint language sql stable {PINNED} as "
    "$$ select count(*) from app.invoices $$"
)


def test_a_figure_over_all_tenants_is_a_warning_until_it_is_listed(clean: Database, declaration: Declaration) -> None:
    found = function_findings(clean, declaration, SIZE)
    assert [f.severity for f in found if f.object == "app.size"] == [Severity.WARNING]
    execute(clean.conninfo, "truncate app.users cascade; truncate app.tenants cascade")
    listed = function_findings(clean, replace(declaration, definers=("app.size",)), SIZE)
    assert [f for f in listed if f.object == "app.size"] == []


def test_listing_a_function_silences_no_leak(clean: Database, declaration: Declaration) -> None:
    target, rule, bad, _ = CASES["row by id, composite result"]
    found = errors(function_findings(clean, replace(declaration, definers=(target,)), bad + ";" + SIZE))
    assert [(finding.object, finding.rule) for finding in found] == [(target, rule)]


def test_a_figure_by_group_is_a_warning(check: Check) -> None:
    found = check(
        f"create function app.sizes() returns table (amount numeric, n bigint) language sql stable {PINNED} as "
        "$$ select amount, count(*) from app.invoices group by 1 $$"
    )
    assert [f.severity for f in found if f.object == "app.sizes"] == [Severity.WARNING]


def test_what_gives_nothing_to_anybody_is_not_said_to_hold(check: Check) -> None:
    found = check(
        f"create function app.nobody(p_id uuid) returns text language sql stable {PINNED} as "
        "$$ select memo from app.invoices where id = p_id and memo = 'as no row is' $$"
    )
    assert [f.rule for f in found if f.object == "app.nobody"] == ["definer_function_not_attacked"]


def test_what_cannot_be_called_keeps_the_reason(check: Check) -> None:
    found = check(
        f"create function app.never(p_id uuid) returns text language plpgsql stable {PINNED} as "
        "$$ begin perform 1 from app.invoices; raise exception 'closed on Sundays'; end $$"
    )
    note = next(finding for finding in found if finding.object == "app.never")
    assert note.rule == "definer_function_not_attacked"
    assert "closed on Sundays" in (note.detail or "")


FILES = """
create table app.files (
    path text primary key, tenant_id uuid generated always as (left(path, 36)::uuid) stored,
    kind text not null
);
alter table app.files enable row level security, force row level security;
create policy own on app.files for select to leak_app using (tenant_id = (select app.tenant()));
grant select on app.files to leak_app;
create or replace function app.reserve(p_path text) returns void language plpgsql {pinned} as $$ begin
    if not {condition} then raise exception 'not here'; end if;
    insert into app.files (path, kind) values (p_path, 'pdf') on conflict do nothing;
    if not found then raise exception 'taken'; end if;
end $$
"""


@pytest.mark.parametrize(
    ("condition", "shown"),
    [("p_path like '%/%'", ["app.reserve"]), ("coalesce(starts_with(p_path, app.tenant() || '/'), false)", [])],
)
def test_a_new_name_below_another_tenants_folder(
    clean: Database, declaration: Declaration, condition: str, shown: list[str]
) -> None:
    paths = replace(declaration, values={"app.files.path": ("{tenant}/{n}.pdf",)})
    found = errors(function_findings(clean, paths, FILES.format(pinned=PINNED, condition=condition)))
    assert [finding.object for finding in found] == shown


def test_a_token_for_a_row_whose_id_is_random_is_a_warning(check: Check) -> None:
    found = check(HARMLESS["token for a row whose id is random"])
    assert [finding.rule for finding in found if finding.severity is Severity.WARNING] == [
        "definer_function_tells_existence"
    ]

"""Views, copies, children and references: each broken schema is an error with a witness, its mended twin is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from leak_schema import TENANCY, execute
from variants import OWN, Variant, errors, finding_of, guarded

from dbkit.leak import Proof, prove
from dbkit.postgres import Database
from dbkit.report import Severity
from dbkit.tenancy.declaration import parse_declaration

Prove = Callable[[str], Proof]

VAULT = """
    create schema vault authorization leak_owner;
    create table vault.payments (
        tenant_id uuid not null references app.tenants, id uuid not null default gen_random_uuid(),
        amount int not null, note text not null, primary key (tenant_id, id));
    alter table vault.payments owner to leak_owner;
"""
PAYMENTS = "create view app.payments {options} as select tenant_id as t, id, amount, note from vault.payments where "
HIDDEN = VAULT + "alter table vault.payments enable row level security;"

VARIANTS = [
    Variant(
        "a filtering view takes any new row",
        "view_writes_past_filter",
        "app.payments",
        "OBJ-01",
        common=VAULT,
        broken=PAYMENTS.format(options="with (security_barrier)")
        + OWN
        + ";grant select, insert on app.payments to leak_app",
        mended=PAYMENTS.format(options="with (security_barrier)")
        + OWN
        + " with check option;grant select, insert on app.payments to leak_app",
    ),
    Variant(
        "a filtering view lets its rows be moved",
        "view_writes_past_filter",
        "app.payments",
        "OBJ-01",
        common=VAULT,
        broken=PAYMENTS.format(options="with (security_barrier)")
        + OWN
        + ";grant select, update on app.payments to leak_app",
        mended=PAYMENTS.format(options="with (security_barrier)")
        + OWN
        + " with local check option;grant select, update on app.payments to leak_app",
    ),
    Variant(
        "an instead-of trigger writes for the tenant it is told",
        "view_writes_past_filter",
        "app.payments",
        "OBJ-01",
        common=VAULT
        + PAYMENTS.format(options="with (security_barrier)")
        + OWN
        + ";grant select, insert on app.payments to leak_app",
        broken="""
            create function vault.store() returns trigger language plpgsql security definer set search_path = '' as $$
            begin
                insert into vault.payments values (new.t, coalesce(new.id, gen_random_uuid()), new.amount, new.note);
                return new;
            end $$;
            create trigger store instead of insert on app.payments for each row execute function vault.store()""",
        mended="""
            create function vault.store() returns trigger language plpgsql security definer set search_path = '' as $$
            begin
                insert into vault.payments values (app.tenant(), gen_random_uuid(), new.amount, new.note);
                return new;
            end $$;
            create trigger store instead of insert on app.payments for each row execute function vault.store()""",
    ),
    Variant(
        "a view without a barrier is overheard",
        "view_without_barrier",
        "app.payments",
        "SIDE-06",
        common=VAULT,
        broken=PAYMENTS.format(options="") + "tenant_id = (select app.tenant())"
        ";grant select on app.payments to leak_app",
        mended=PAYMENTS.format(options="with (security_barrier)")
        + "tenant_id = (select app.tenant());grant select on app.payments to leak_app",
    ),
    Variant(
        "a failing cast tells what the view leaves out, where nobody may create functions",
        "view_without_barrier",
        "app.payments",
        "SIDE-06",
        common=VAULT
        + "do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$",
        broken=PAYMENTS.format(options="") + "tenant_id = app.tenant();grant select on app.payments to leak_app",
        mended=PAYMENTS.format(options="with (security_barrier)")
        + "tenant_id = app.tenant();grant select on app.payments to leak_app",
    ),
    Variant(
        "a superuser's view passes forced row security",
        "view_bypasses_policies",
        "app.memos",
        "OBJ-01",
        broken="create view app.memos as select memo from app.invoices; grant select on app.memos to leak_app",
        mended="create view app.memos with (security_invoker) as select memo from app.invoices;"
        "grant select on app.memos to leak_app",
    ),
    Variant(
        "a materialized view is granted",
        "view_bypasses_policies",
        "app.totals",
        "OBJ-02",
        broken="create materialized view app.totals as select tenant_id, sum(amount) from app.invoices group by 1;"
        "grant select on app.totals to leak_app",
        mended="create materialized view app.totals as select tenant_id, sum(amount) from app.invoices group by 1;"
        f"create view app.own_totals with (security_barrier) as select * from app.totals where {OWN};"
        "grant select on app.own_totals to leak_app",
    ),
    Variant(
        "a statistic of a group that is one tenant",
        "view_shows_other_tenants",
        "app.by_memo",
        "OBJ-02",
        broken="create materialized view app.by_memo as select hashtext(memo) as bucket, count(*) as n,"
        " avg(amount) as mean from app.invoices group by 1; grant select on app.by_memo to leak_app",
        mended="create materialized view app.by_memo as select hashtext(memo) as bucket, count(*) as n, avg(amount) as"
        " mean from app.invoices group by 1 having count(distinct tenant_id) >= 5;"
        "grant select on app.by_memo to leak_app",
    ),
    Variant(
        "a partition is granted beside its table",
        "foreign_rows_readable",
        "app.events_2030",
        "POL-01",
        common="create table app.events (tenant_id uuid not null, id uuid not null default gen_random_uuid(),"
        " at date not null, what text not null, primary key (tenant_id, id, at)) partition by range (at);"
        "create table app.events_2030 partition of app.events for values from ('2030-01-01') to ('2031-01-01');"
        + guarded("app.events"),
        broken="grant select on app.events_2030 to leak_app",
        mended="grant select on app.events_2030 to leak_app;"
        "alter table app.events_2030 enable row level security, force row level security;"
        f"create policy own on app.events_2030 to leak_app using ({OWN})",
    ),
]


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "mended"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_object(proven: Prove, variant: Variant, broken: bool) -> None:
    variant.check(proven, broken=broken)


FILES = (
    "create table app.files (tenant_id uuid not null references app.tenants,"
    " id uuid not null default gen_random_uuid(), "
)
REFERENCES = [
    Variant(
        "a composite key by way of a second tenant column",
        "reference_crosses_tenants",
        "app.shares",
        "RI-01",
        common=FILES + "name text not null, primary key (tenant_id, id));" + guarded("app.files"),
        broken="create table app.shares (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),"
        " file_tenant_id uuid not null, file_id uuid not null,"
        " foreign key (file_tenant_id, file_id) references app.files (tenant_id, id));" + guarded("app.shares"),
        mended="create table app.shares (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),"
        " file_id uuid not null, foreign key (tenant_id, file_id) references app.files (tenant_id, id));"
        + guarded("app.shares"),
    ),
    Variant(
        "a join table whose policy looks at one side",
        "reference_crosses_tenants",
        "app.file_labels",
        "RI-01",
        common=FILES
        + "name text not null, primary key (tenant_id, id), unique (id));"
        + guarded("app.files")
        + "create table app.labels (tenant_id uuid not null, id uuid primary key default gen_random_uuid(), word text);"
        + guarded("app.labels")
        + "create table app.file_labels (file_id uuid not null references app.files (id),"
        " label_id uuid not null references app.labels, primary key (file_id, label_id));",
        broken=guarded(
            "app.file_labels", "select, insert", "exists (select from app.files f where f.id = file_labels.file_id)"
        ),
        mended=guarded(
            "app.file_labels",
            "select, insert",
            "exists (select from app.files f where f.id = file_labels.file_id)"
            " and exists (select from app.labels l where l.id = file_labels.label_id)",
        ),
    ),
    Variant(
        "a delete empties a column of another tenant's row",
        "cascade_crosses_tenants",
        "app.pages",
        "RI-02",
        common=FILES + "name text not null, primary key (tenant_id, id), unique (id));" + guarded("app.files"),
        broken="create table app.pages (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),"
        " file_id uuid references app.files (id) on delete set null, body text);" + guarded("app.pages"),
        mended="create table app.pages (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),"
        " file_id uuid, body text, foreign key (tenant_id, file_id) references app.files (tenant_id, id)"
        " on delete set null (file_id));" + guarded("app.pages"),
    ),
    Variant(
        "a changed key follows into another tenant's row",
        "cascade_crosses_tenants",
        "app.pages",
        "RI-02",
        common=FILES + "code text not null unique, primary key (tenant_id, id), unique (tenant_id, code));"
        "alter table app.files drop constraint files_code_key; create unique index files_code on app.files (code);"
        + guarded("app.files"),
        broken="create table app.pages (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),"
        " code text references app.files (code) on update cascade, body text);" + guarded("app.pages"),
        mended="drop index app.files_code;"
        "create table app.pages (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),"
        " code text, body text, foreign key (tenant_id, code) references app.files (tenant_id, code)"
        " on update cascade);" + guarded("app.pages"),
    ),
]


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "mended"])
@pytest.mark.parametrize("variant", REFERENCES, ids=lambda variant: variant.name)
def test_reference(proven: Prove, variant: Variant, broken: bool) -> None:
    variant.check(proven, broken=broken)


def test_a_reference_that_is_declared_to_cross_is_a_warning(clean: Database) -> None:
    execute(
        clean.conninfo,
        FILES
        + "name text not null, primary key (tenant_id, id), unique (id));"
        + guarded("app.files")
        + "create table app.pages (tenant_id uuid not null, id uuid primary key default gen_random_uuid(),"
        " file_id uuid references app.files (id) on delete restrict, body text);" + guarded("app.pages"),
    )
    declaration = parse_declaration({**TENANCY, "crossing": ["app.pages.file_id"]}, "tenancy.toml")
    proof = prove(clean.conninfo, declaration)
    assert errors(proof) == []
    assert finding_of(proof, "reference_may_cross_tenants").severity is Severity.WARNING


DIRECTORY = """
    alter table app.tenants add api_key text not null default md5(random()::text);
    drop policy own on app.tenants;
    create policy everybody on app.tenants for select to leak_app using (true);
    revoke select on app.tenants from leak_app;
"""


@pytest.mark.parametrize(("columns", "leaks"), [("id, name", False), ("id, name, api_key", True)])
def test_a_directory_names_tenants_and_no_more(proven: Prove, columns: str, leaks: bool) -> None:
    found = errors(proven(f"{DIRECTORY} grant select ({columns}) on app.tenants to leak_app"))
    assert {finding.object for finding in found} == ({"app.tenants"} if leaks else set())

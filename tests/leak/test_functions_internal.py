"""Tables that only functions reach: whose rows they hold is asked there too; each leak has its repaired twin."""

from __future__ import annotations

import pytest
from leak_functions import PINNED, errors, function_findings
from leak_schema import TENANCY

from dbkit.postgres import Database
from dbkit.tenancy.declaration import Declaration, parse_declaration

QUEUE = "queue_crosses_tenants"
JOBS = """
create table app.kinds (kind text primary key, urgent boolean not null);
insert into app.kinds values ('mail', true), ('report', false);
create table app.jobs (
    id uuid primary key default gen_random_uuid(), tenant_id uuid not null, kind text not null,
    note text not null, state text not null default 'waiting'
);
"""
LEASES = """
create table app.leases (job_id uuid primary key, worker text not null, until timestamptz not null default now());
create view app.running as
    select j.tenant_id, j.id, l.worker, l.until from app.jobs j join app.leases l on l.job_id = j.id;
create function app.start_all() returns trigger language plpgsql as $$
begin insert into app.leases values (new.id, 'worker'); return null; end $$;
create trigger start_all after insert on app.jobs for each row execute function app.start_all();
"""
CANCEL = (
    f"create function app.change_job(p_job uuid) returns integer language plpgsql {PINNED} as $$"
    " begin update app.jobs as j set state = 'cancelled' where j.id = p_job{}; return 1; end $$;"
    "revoke execute on function app.change_job(uuid) from public;"
    f"create function app.cancel(p_thing uuid) returns integer language sql {PINNED} as"
    " 'select app.change_job(p_thing)';"
)

# what crosses -> (function, SQL that makes it, what is put in the marked place to repair it)
CASES: dict[str, tuple[str, str, str]] = {
    "a job for another tenant": (
        "app.enqueue",
        f"create function app.enqueue(p_tenant uuid, p_kind text) returns void language plpgsql {PINNED} as $$"
        " declare v_urgent boolean; begin"
        " select k.urgent into v_urgent from app.kinds k where k.kind = p_kind;"
        " if not found then raise exception 'unknown kind'; end if;"
        "{} insert into app.jobs (tenant_id, kind, note) values (p_tenant, p_kind, 'made by hand'); end $$;",
        " if p_tenant is distinct from app.tenant() then raise exception 'not yours'; end if;",
    ),
    "another tenant's job, by an argument that is handed on": ("app.cancel", CANCEL, " and j.tenant_id = app.tenant()"),
    "what another tenant's job says": (
        "app.note_of",
        f"create function app.note_of(p_id uuid) returns text language sql stable {PINNED} as"
        " 'select j.note from app.jobs j where j.id = p_id{}';",
        " and j.tenant_id = app.tenant()",
    ),
    "a table without a tenant, of which a view says whose it is": (
        "app.keep",
        LEASES + f"create function app.keep(p_job_id uuid) returns void language sql {PINNED} as"
        " 'update app.leases as l set until = now() + interval ''1 hour'' where l.job_id = p_job_id{}';",
        " and exists (select from app.jobs j where j.id = p_job_id and j.tenant_id = app.tenant())",
    ),
    "everybody's jobs for a caller without a context": (
        "app.notes",
        f"create function app.notes() returns setof text language sql stable {PINNED} as"
        " 'select j.note from app.jobs j where (app.tenant() is null or j.tenant_id = app.tenant()){}';",
        " and j.tenant_id = app.tenant()",
    ),
}


@pytest.fixture
def internal() -> Declaration:
    return parse_declaration({**TENANCY, "internal": ["app.jobs"]}, "tenancy.toml")


@pytest.mark.parametrize("name", CASES)
def test_a_leak_is_shown(clean: Database, internal: Declaration, name: str) -> None:
    function, sql, _ = CASES[name]
    found = errors(function_findings(clean, internal, JOBS + sql.format("")))
    assert {finding.object for finding in found} == {function}
    assert all(finding.evidence and finding.evidence.witness and finding.evidence.control for finding in found)
    assert any(name in "".join(str(finding.evidence) for finding in found) for name in ("app.jobs", "app.running"))


@pytest.mark.parametrize("name", CASES)
def test_its_repair_shows_nothing(clean: Database, internal: Declaration, name: str) -> None:
    _, sql, repair = CASES[name]
    assert errors(function_findings(clean, internal, JOBS + sql.format(repair))) == []

"""Functions that wait for a state of the rows or for one form of an argument; each leak has its repaired twin."""

from __future__ import annotations

import pytest
from leak_functions import PINNED, errors, function_findings

from dbkit.postgres import Database
from dbkit.report import Severity
from dbkit.tenancy.declaration import Declaration

READS, WRITES = "definer_function_reads_foreign_rows", "definer_function_writes_foreign_rows"
OFFERS = """
create table app.offers (
    tenant_id uuid not null references app.tenants (id), id uuid not null default gen_random_uuid(),
    step text not null default 'new' check (step in ('new', 'sent', 'won')), deleted_at timestamptz, note text,
    primary key (tenant_id, id)
);
create table app.offer_lines (
    tenant_id uuid not null, id uuid not null default gen_random_uuid(), offer_id uuid not null,
    primary key (tenant_id, id), foreign key (tenant_id, offer_id) references app.offers (tenant_id, id)
);
alter table app.offers enable row level security, force row level security;
alter table app.offer_lines enable row level security, force row level security;
create policy own on app.offers to leak_app using (tenant_id = (select app.tenant()));
create policy own on app.offer_lines to leak_app using (tenant_id = (select app.tenant()));
grant select on app.offers, app.offer_lines to leak_app;
"""


def routine(name: str, arguments: str, returns: str, body: str) -> str:
    return (
        f"{OFFERS} create function app.{name}({arguments}) returns {returns} language plpgsql volatile {PINNED}"
        f" as $$ {body} $$;"
    )


# what it waits for -> (rule, name, arguments, returns, body, what is put behind the marked place to repair it)
CASES: dict[str, tuple[str, str, str, str, str, str]] = {
    "a row that was deleted": (
        WRITES,
        "undelete",
        "p_id uuid",
        "boolean",
        "begin update app.offers set deleted_at = null where id = p_id and deleted_at is not null{}; return found; end",
        " and tenant_id = app.tenant()",
    ),
    "a row in one status": (
        WRITES,
        "win",
        "p_tenant uuid",
        "void",
        "declare v_id uuid; begin update app.offers set step = 'won' where tenant_id = p_tenant and step = 'sent'{}"
        " returning id into v_id; end",
        " and tenant_id = app.tenant()",
    ),
    "a row that nothing references": (
        WRITES,
        "drop_offer",
        "p_id uuid",
        "void",
        "begin delete from app.offers where id = p_id{};"
        " exception when foreign_key_violation or restrict_violation then raise exception 'it has lines'; end",
        " and tenant_id = app.tenant()",
    ),
    "everybody at a step": (
        READS,
        "proceed",
        "p_step text",
        "text",
        "declare v_offer app.offers; begin select * into v_offer from app.offers where true{} limit 1;"
        " if p_step is distinct from v_offer.step or v_offer.step = 'new' then raise exception 'another step'; end if;"
        " case p_step when 'sent' then return v_offer.note; end case; end",
        " and tenant_id = app.tenant()",
    ),
    "a step of one table, for rows of another": (
        WRITES,
        "close_books",
        "p_step text",
        "void",
        "begin if not exists (select from app.offers where tenant_id = app.tenant() and step = p_step"
        " and p_step in ('won')) then raise exception 'not won'; end if;"
        " update app.invoices set memo = 'closed' where amount > 0{}; end",
        " and tenant_id = app.tenant()",
    ),
    "what somebody else is": (
        READS,
        "invoiced",
        "p_tenant uuid",
        "numeric",
        "begin if not exists (select from app.users u where u.email = 'staff@example.com'{}) then"
        " raise exception 'for staff'; end if;"
        " return (select sum(i.amount) from app.invoices i where i.tenant_id = p_tenant); end",
        " and u.id in (select m.user_id from app.memberships m where m.tenant_id = app.tenant())",
    ),
    "a JSON array": (
        READS,
        "annotate",
        "p_id uuid, p_notes jsonb",
        "app.offers",
        "declare v_offer app.offers; begin if jsonb_typeof(p_notes) <> 'array' then raise exception 'no array'; end if;"
        " update app.offers set note = p_notes::text where id = p_id{} returning * into v_offer; return v_offer; end",
        " and tenant_id = app.tenant()",
    ),
    "a key out of a list": (
        READS,
        "change",
        "p_id uuid, p_patch jsonb",
        "app.offers",
        "declare v_offer app.offers; begin"
        " if p_patch = '{{}}' or exists (select from jsonb_object_keys(p_patch) k (name)"
        " where k.name <> all (array['note'])) then raise exception 'unknown'; end if; update app.offers as o"
        " set note = (jsonb_populate_record(o, p_patch)).note where id = p_id{} returning * into v_offer;"
        " return v_offer; end",
        " and tenant_id = app.tenant()",
    ),
    "one of the words it knows": (
        READS,
        "export",
        "p_id uuid, p_format text",
        "text",
        "begin if p_format not in ('csv', 'pdf') then raise exception 'format'; end if;"
        " return (select note from app.offers where id = p_id{}); end",
        " and tenant_id = app.tenant()",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_leak_is_shown(clean: Database, declaration: Declaration, name: str) -> None:
    rule, function, arguments, returns, body, _ = CASES[name]
    found = errors(function_findings(clean, declaration, routine(function, arguments, returns, body.format(""))))
    assert [(finding.object, finding.rule) for finding in found] == [(f"app.{function}", rule)]
    assert found[0].evidence and found[0].evidence.witness and found[0].evidence.control


@pytest.mark.parametrize("name", CASES)
def test_its_repair_shows_nothing(clean: Database, declaration: Declaration, name: str) -> None:
    _, function, arguments, returns, body, repair = CASES[name]
    found = function_findings(clean, declaration, routine(function, arguments, returns, body.format(repair)))
    assert errors(found) == []


def test_a_gate_tells_that_a_row_exists(clean: Database, declaration: Declaration) -> None:
    body = "begin perform from app.offers where id = p_id{}; if not found then raise exception 'no'; end if; end"
    wrong = function_findings(clean, declaration, routine("gate", "p_id uuid", "void", body.format("")))
    assert [f.severity for f in wrong if f.rule == "definer_function_tells_existence"] == [Severity.WARNING]


def test_a_gate_that_compares_the_tenant_tells_nothing(clean: Database, declaration: Declaration) -> None:
    body = "begin perform from app.offers where id = p_id and tenant_id = app.tenant();"
    body += " if not found then raise exception 'no'; end if; end"
    found = function_findings(clean, declaration, routine("gate", "p_id uuid", "void", body))
    assert [f for f in found if f.rule == "definer_function_tells_existence"] == []

"""Tables out of reach whose text keys alone say whose row it is: each leak through a function has its repaired twin."""

from __future__ import annotations

import pytest
from leak_functions import PINNED, errors, function_findings

from dbkit.postgres import Database
from dbkit.tenancy.declaration import Declaration

LIMITS = (
    "create table app.limits (key text primary key, used integer not null, counted_at timestamptz not null,"
    " refused_until timestamptz);"
    "create function app.allow(p_key text) returns table (allowed boolean, again_at timestamptz) language plpgsql"
    f" {PINNED} as $$ declare v_key text := 'tenant:' || app.tenant() || ':' || p_key; begin"
    " select false, l.refused_until into allowed, again_at from app.limits l"
    " where l.refused_until > clock_timestamp(){}; if found then return next; return; end if;"
    " insert into app.limits values (v_key, 1, clock_timestamp(), null)"
    " on conflict on constraint limits_pkey do update set used = limits.used + 1,"
    " refused_until = case when limits.used > 100 then clock_timestamp() + interval '1 minute' end;"
    " allowed := true; return next; end $$;"
)
LOCKS = "create table app.locks (name text primary key, holder text not null, until timestamptz not null);"
TRY_LOCK = LOCKS + (
    f"create function app.try_lock(p_name text) returns boolean language plpgsql {PINNED} as $$ begin"
    " delete from app.locks l where l.until < now();"
    " insert into app.locks values ({}p_name, app.tenant()::text, now() + interval '1 hour') on conflict do nothing;"
    " return found; end $$;"
)
SPEND = (
    "create table app.quotas (subject text primary key, used integer not null);"
    f"create function app.spend(p_amount integer) returns text language plpgsql {PINNED} as $$"
    " declare v_subject text := 'org/' || app.tenant(); begin"
    " if exists (select from app.quotas q where q.used > 1000{}) then raise exception 'quota exceeded'; end if;"
    " insert into app.quotas values (v_subject, p_amount)"
    " on conflict (subject) do update set used = quotas.used + p_amount; return 'fine'; end $$;"
)
INVITES = (
    "create table app.invites (email text, invited_by text, code text not null, primary key (email, invited_by));"
    f"create function app.invite(p_email text) returns void language sql {PINNED} as"
    " 'insert into app.invites values (p_email, app.tenant()::text, gen_random_uuid()::text)';"
    f"create function app.is_invited(p_email text) returns boolean language sql stable {PINNED} as"
    " 'select exists (select from app.invites i where i.email = p_email{})';"
)
COUNTERS = (
    "create table app.counters (name text primary key, per_tenant jsonb not null);"
    "insert into app.counters values ('order', '{}');"
    f"create function app.next_order() returns text language plpgsql {PINNED} as $$ declare v_last integer; begin"
    " select max(v::integer) into v_last from app.counters c, jsonb_each_text(c.per_tenant) e (k, v)"
    " where c.name = 'order'{};"
    " update app.counters"
    " set per_tenant = per_tenant || jsonb_build_object(app.tenant()::text, coalesce(v_last, 0) + 1)"
    " where name = 'order'; return 'order ' || coalesce(v_last, 0) + 1; end $$;"
)
UNLOCK = LOCKS + (
    f"create function app.lock(p_name text) returns void language sql {PINNED} as"
    " 'insert into app.locks"
    " values (app.tenant() || '':'' || p_name, app.tenant()::text, now() + interval ''1 hour'')';"
    f"create function app.unlock(p_name text) returns void language sql {PINNED} as"
    " 'delete from app.locks l where l.name like ''%:'' || p_name{}';"
)
DIGESTS = (
    "create table app.seen (digest bytea primary key);"
    f"create function app.is_new(p_event text) returns boolean language plpgsql {PINNED} as $$ begin"
    " if exists (select from app.seen s where {}) then return false; end if;"
    " insert into app.seen values (sha256(convert_to(app.tenant() || p_event, 'UTF8'))); return true; end $$;"
)
PRESENCE = (
    "create table app.presence (subject text primary key, seen_at timestamptz not null);"
    f"create function app.seen() returns trigger language plpgsql {PINNED} as $$ begin"
    " insert into app.presence values ('tenant/' || new.tenant_id, now()) on conflict do nothing; return null; end $$;"
    "create trigger seen after insert or update on app.invoices for each row execute function app.seen();"
    "grant insert, update on app.invoices to leak_app;"
    f"create function app.busy() returns boolean language sql stable {PINNED} as"
    " 'select exists (select from app.presence p where p.seen_at > now() - interval ''1 minute''{})';"
)
RESET = (
    "create table app.usage (subject text primary key, used integer not null);"
    f"create function app.use() returns void language sql {PINNED} as"
    " 'insert into app.usage values (''t:'' || app.tenant(), 1)"
    " on conflict (subject) do update set used = usage.used + 1';"
    f"create function app.reset_usage() returns void language sql {PINNED} as"
    " 'update app.usage u set used = 0{}';"
)
CACHE = (
    "create table app.cache (key text primary key, value text not null);"
    f"create function app.put(p_key text, p_value text) returns void language sql {PINNED} as"
    " 'insert into app.cache values ({0}p_key, p_value) on conflict (key) do update set value = excluded.value';"
    f"create function app.get(p_key text) returns text language sql stable {PINNED} as"
    " 'select c.value from app.cache c where c.key = {0}p_key';"
)
REPORT = (
    "create table app.reports (name text primary key, content text not null);"
    f"create function app.report(p_name text) returns text language plpgsql {PINNED} as $$"
    " declare v_name text := {}p_name; v_content text; begin"
    " select r.content into v_content from app.reports r where r.name = v_name;"
    " if not found then"
    " select string_agg(i.number, ', ') into v_content from app.invoices i where i.tenant_id = app.tenant();"
    " insert into app.reports values (v_name, v_content); end if; return v_content; end $$;"
)

# what crosses -> (functions, SQL that makes it, what is put in the marked place to repair it)
CASES: dict[str, tuple[str, str, str]] = {
    "another tenant's refusal": ("app.allow", LIMITS, " and l.key = v_key"),
    "a refusal under the same end of a key": (
        "app.allow",
        LIMITS.replace("{}", " and l.key like '%:' || p_key{}"),
        " and l.key = v_key",
    ),
    "a lock of the same name": ("app.try_lock", TRY_LOCK, "app.tenant() || ':' || "),
    "another tenant's use of a quota": ("app.spend", SPEND, " and q.subject = v_subject"),
    "an invitation of the same address": ("app.is_invited", INVITES, " and i.invited_by = app.tenant()::text"),
    "a counter in one document": ("app.next_order", COUNTERS.replace("'{}'", "'{{}}'"), " and k = app.tenant()::text"),
    "another tenant's lock, taken away": ("app.unlock", UNLOCK, " and l.holder = app.tenant()::text"),
    "what another tenant has seen, by a digest": (
        "app.is_new",
        DIGESTS.replace("{}", "true{}"),
        " and s.digest = sha256(convert_to(app.tenant() || p_event, 'UTF8'))",
    ),
    "that another tenant is at work, kept by a trigger": (
        "app.busy",
        PRESENCE,
        " and p.subject = ''tenant/'' || app.tenant()",
    ),
    "what another tenant has put away": ("app.get app.put", CACHE, "app.tenant() || '':'' || "),
    "another tenant's report": ("app.report", REPORT, "app.tenant() || ':' || "),
    "another tenant's count, set back": ("app.reset_usage", RESET, " where u.subject = ''t:'' || app.tenant()"),
}

# Tables of the same kind that callers share on purpose.
MEANT: dict[str, str] = {
    "a limit of the whole service": (
        "create table app.totals (key text primary key, used integer not null);"
        f"create function app.serve() returns text language plpgsql {PINNED} as $$ declare v_used integer; begin"
        " insert into app.totals values ('everybody', 1) on conflict (key) do update set used = totals.used + 1"
        " returning used into v_used; return 'served ' || v_used; end $$;"
    ),
    "what a session is": (
        "create table app.sessions (pid integer primary key default pg_backend_pid(), tenant text not null);"
        f"create function app.enter() returns void language sql {PINNED} as"
        " 'insert into app.sessions (tenant) values (app.tenant()::text)';"
    ),
    "leases that have run out, cleared for all": TRY_LOCK.format("app.tenant() || ':' || ")
    .replace("returns boolean", "returns integer")
    .replace("return found", "return 1"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_leak_is_shown(clean: Database, declaration: Declaration, name: str) -> None:
    function, sql, _ = CASES[name]
    found = errors(function_findings(clean, declaration, sql.format("")))
    assert {finding.object for finding in found} == set(function.split())
    assert all(finding.evidence and finding.evidence.witness and finding.evidence.control for finding in found)


@pytest.mark.parametrize("name", CASES)
def test_its_repair_shows_nothing(clean: Database, declaration: Declaration, name: str) -> None:
    _, sql, repair = CASES[name]
    assert errors(function_findings(clean, declaration, sql.format(repair))) == []


@pytest.mark.parametrize("name", MEANT)
def test_what_is_meant_for_everybody_is_no_leak(clean: Database, declaration: Declaration, name: str) -> None:
    assert errors(function_findings(clean, declaration, MEANT[name])) == []

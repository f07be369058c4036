"""Every kind of object: two databases that differ in exactly one thing are told apart, by the right name."""

from __future__ import annotations

import pytest
from kitchen_sink import execute

from dbkit import drift
from dbkit.catalog import Snapshot, snapshot
from dbkit.postgres import Template

# (what is done to the second database, the object that must be named, what must be said to have changed)
CHANGES = [
    # schemas, roles, privileges
    ("comment on schema app is 'another'", "schema app", "comment"),
    ("alter schema app owner to kitchen_owner", "schema app", "owner"),
    ("grant create on schema app to kitchen_app", "schema app", "grants"),
    ("create schema extra", "schema extra", "extra"),
    ("alter default privileges in schema app grant insert on tables to kitchen_app",
     "default privileges of postgres in schema app on tables", "grants"),
    ("alter default privileges for role kitchen_owner revoke usage on types from public",
     "default privileges of kitchen_owner on types", "extra"),
    # types
    ("comment on domain app.email is null", "domain app.email", "comment"),
    ("alter domain app.email set default 'x'", "domain app.email", "default"),
    ("alter domain app.email set not null", "domain app.email", "not null"),
    ("alter domain app.email add constraint short check (length(value) < 9) not valid",
     "constraint short of domain app.email", "extra"),
    ("revoke usage on type app.email from public", "domain app.email", "grants"),
    ("alter type app.state add value 'lost' before 'closed'", "type app.state", "labels"),
    ("alter type app.pair alter attribute second type varchar(3)", "attribute app.pair.second", "type"),
    ("drop type app.pair; create type app.pair as (second text, first integer)", "type app.pair", "columns"),
    ("drop type app.span; create type app.span as range (subtype = float8)", "type app.span", "subtype"),
    ("comment on type app.span is 'range'", "type app.span", "comment"),
    # functions
    ("create or replace function app.next_state(state app.state, step integer default 1) returns app.state"
     " language plpgsql immutable security definer set search_path = pg_catalog, pg_temp"
     " as $fn$\nbegin\n    return 'open';\nend\n$fn$",
     "function app.next_state(app.state, integer)", "body"),
    ("create or replace function app.tenant() returns uuid language sql stable parallel safe"
     " return nullif(current_setting('app.tenants', true), '')::uuid", "function app.tenant()", "body"),
    ("alter function app.tenant() volatile", "function app.tenant()", "volatility"),
    ("alter function app.tenant() parallel restricted", "function app.tenant()", "parallel"),
    ("alter function app.tenant() leakproof", "function app.tenant()", "leakproof"),
    ("alter function app.tenant() strict", "function app.tenant()", "strict"),
    ("alter function app.tenant() cost 7", "function app.tenant()", "cost"),
    ("alter function app.tenant() security definer", "function app.tenant()", "security definer"),
    ("alter function app.tenant() set search_path = app", "function app.tenant()", "config"),
    ("alter function app.next_state(app.state, integer) reset search_path",
     "function app.next_state(app.state, integer)", "config"),
    ("grant execute on function app.next_state(app.state, integer) to public",
     "function app.next_state(app.state, integer)", "grants"),
    ("revoke execute on function app.tenant() from public", "function app.tenant()", "grants"),
    ("alter function app.tenant() owner to kitchen_owner", "function app.tenant()", "owner"),
    ("comment on function app.tenant() is 'who'", "function app.tenant()", "comment"),
    ("create or replace function app.next_state(state app.state, step integer default 2) returns app.state"
     " language plpgsql immutable security definer set search_path = pg_catalog, pg_temp"
     " as $fn$\nbegin\n    return 'closed';\nend\n$fn$",
     "function app.next_state(app.state, integer)", "arguments"),
    ("create function app.tenant(text) returns uuid language sql return null::uuid",
     "function app.tenant(text)", "extra"),
    ("create or replace procedure app.tidy(inout removed integer) language plpgsql as 'begin removed := 1; end'",
     "function app.tidy(integer)", "body"),
    ("create or replace aggregate app.total(numeric) (sfunc = numeric_add, stype = numeric, initcond = '1')",
     "function app.total(numeric)", "agginitval"),
    # sequences
    ("alter sequence app.numbers increment by 3", "sequence app.numbers", "increment"),
    ("alter sequence app.numbers cycle", "sequence app.numbers", "cycle"),
    ("alter sequence app.numbers owned by app.owners.id", "sequence app.numbers", "owned by"),
    ("grant usage on sequence app.numbers to kitchen_app", "sequence app.numbers", "grants"),
    ("alter sequence app.things_id_seq cache 9", "sequence app.things_id_seq", "cache"),
    # tables
    ("alter table app.things no force row level security", "table app.things", "force row security"),
    ("alter table app.things disable row level security", "table app.things", "row security"),
    ("alter table app.owners enable row level security", "table app.owners", "row security"),
    ("alter table app.things owner to kitchen_owner", "table app.things", "owner"),
    ("grant delete on app.things to kitchen_app", "table app.things", "grants"),
    ("grant select on app.owners to public", "table app.owners", "grants"),
    ("grant select on app.things to kitchen_app with grant option", "table app.things", "grants"),
    ("comment on table app.things is 'other things'", "table app.things", "comment"),
    ("alter table app.owners set (fillfactor = 70)", "table app.owners", "options"),
    ("alter table app.things set (toast.autovacuum_enabled = off)", "table app.things", "options"),
    ("alter table app.things replica identity full", "table app.things", "replica identity"),
    ("alter table app.base set unlogged", "table app.base", "persistence"),
    ("alter table app.derived no inherit app.base", "table app.derived", "inherits"),
    ("drop table app.events_old;"
     " create table app.events_old partition of app.events for values from ('2020-01-01') to ('2026-01-01')",
     "table app.events_old", "partition bound"),
    ("alter table app.events detach partition app.events_old", "table app.events_old", "partition bound"),
    ("create table app.more (id integer)", "table app.more", "extra"),
    ("drop table app.owners cascade", "table app.owners", "missing"),
    # columns
    ("alter table app.things add column by_hand text", "column app.things.by_hand", "extra"),
    ("alter table app.things drop column note", "column app.things.note", "missing"),
    ("alter table app.things alter column note type varchar(21)", "column app.things.note", "type"),
    ("alter table app.things alter column note set not null", "column app.things.note", "not null"),
    ("alter table app.things alter column made_at set default clock_timestamp()",
     "column app.things.made_at", "default"),
    ("alter table app.things alter column made_at drop default", "column app.things.made_at", "default"),
    ("alter table app.things alter column name_upper drop expression", "column app.things.name_upper", "generated"),
    ("alter table app.things alter column id set generated by default", "column app.things.id", "identity"),
    ('alter table app.base alter column b type text collate "POSIX"', "column app.base.b", "collation"),
    ("alter table app.things alter column name set storage external", "column app.things.name", "storage"),
    ("alter table app.things alter column name set compression pglz", "column app.things.name", "compression"),
    ("alter table app.things alter column name set statistics 900", "column app.things.name", "statistics target"),
    ("alter table app.things alter column name set (n_distinct = 5)", "column app.things.name", "options"),
    ("grant update (made_at) on app.things to kitchen_app", "column app.things.made_at", "grants"),
    ("revoke update (note) on app.things from kitchen_app", "column app.things.note", "grants"),
    ("comment on column app.things.name is 'title'", "column app.things.name", "comment"),
    # constraints
    ("alter table app.things drop constraint things_name_length",
     "constraint things_name_length on app.things", "missing"),
    ("alter table app.things drop constraint things_name_length,"
     " add constraint things_name_length check (length(name) <= 81)",
     "constraint things_name_length on app.things", "definition"),
    ("alter table app.things drop constraint things_name_length;"
     " alter table app.things add constraint things_name_length check (length(name) <= 80) not valid",
     "constraint things_name_length on app.things", "validated"),
    ("alter table app.things drop constraint things_owner_id_fkey,"
     " add constraint things_owner_id_fkey foreign key (owner_id) references app.owners (id) on delete restrict",
     "constraint things_owner_id_fkey on app.things", "definition"),
    ("alter table app.things drop constraint things_name_key, add constraint things_name_key unique (tenant_id, name)",
     "constraint things_name_key on app.things", "definition"),
    ("alter table app.things rename constraint things_apart to things_separate",
     "constraint things_separate on app.things", "extra"),
    ("comment on constraint things_name_length on app.things is null",
     "constraint things_name_length on app.things", "comment"),
    # indexes and statistics
    ("drop index app.things_open; create index things_open on app.things (tenant_id, made_at desc) include (name)"
     " where state = 'closed'", "index things_open on app.things", "definition"),
    ("drop index app.things_open; create index things_open on app.things (tenant_id, made_at) include (name)"
     " where state = 'open'", "index things_open on app.things", "definition"),
    ("drop index app.things_lower; create index things_lower on app.things (lower(name))",
     "index things_lower on app.things", "definition"),
    ("drop index app.things_lower", "index things_lower on app.things", "missing"),
    ("update pg_index set indisvalid = false where indexrelid = 'app.things_lower'::regclass",
     "index things_lower on app.things", "valid"),
    ("alter index app.things_lower set (fillfactor = 50)", "index things_lower on app.things", "definition"),
    ("alter index app.things_lower alter column 1 set statistics 500",
     "index things_lower on app.things", "statistics"),
    ("alter table app.things cluster on things_lower", "index things_lower on app.things", "clustered"),
    ("comment on index app.things_open is null", "index things_open on app.things", "comment"),
    ("drop statistics app.things_stats", "statistics app.things_stats", "missing"),
    ("drop statistics app.things_stats;"
     " create statistics app.things_stats (ndistinct) on tenant_id, state from app.things",
     "statistics app.things_stats", "kinds"),
    ("alter statistics app.things_stats set statistics 500", "statistics app.things_stats", "target"),
    # policies, triggers, rules
    ("alter policy fence on app.things using (tenant_id is not null or true)", "policy fence on app.things", "using"),
    ("alter policy own_rows on app.things to public", "policy own_rows on app.things", "roles"),
    ("alter policy add_rows on app.things with check (true)", "policy add_rows on app.things", "check"),
    ("drop policy fence on app.things; create policy fence on app.things using (tenant_id is not null)",
     "policy fence on app.things", "permissive"),
    ("drop policy own_rows on app.things; create policy own_rows on app.things for all to kitchen_app"
     " using (tenant_id = (select app.tenant())); comment on policy own_rows on app.things is 'a tenant sees its own'",
     "policy own_rows on app.things", "command"),
    ("create policy second on app.things for select to kitchen_other using (true)",
     "policy second on app.things", "extra"),
    ("drop policy fence on app.things", "policy fence on app.things", "missing"),
    ("comment on policy own_rows on app.things is null", "policy own_rows on app.things", "comment"),
    ("alter table app.things disable trigger touch", "trigger touch on app.things", "enabled"),
    ("alter table app.things enable always trigger touch", "trigger touch on app.things", "enabled"),
    ("drop trigger touch on app.things; create trigger touch before update of name on app.things"
     " for each row execute function app.tg_touch()", "trigger touch on app.things", "definition"),
    ("create trigger again after truncate on app.things execute function app.tg_touch()",
     "trigger again on app.things", "extra"),
    ("alter table app.things disable rule no_price", "rule no_price on app.things", "enabled"),
    ("drop rule no_price on app.things", "rule no_price on app.things", "missing"),
    # views
    ("alter view app.open_things reset (security_invoker)", "view app.open_things", "options"),
    ("alter view app.open_things set (security_barrier = false)", "view app.open_things", "options"),
    ("alter view app.owner_names reset (check_option)", "view app.owner_names", "options"),
    ("create or replace view app.open_things with (security_invoker = true, security_barrier = true) as"
     " select tenant_id, id, name from app.things where state = 'closed'", "view app.open_things", "definition"),
    ("alter view app.open_things alter column name set default 'x'", "column app.open_things.name", "default"),
    ("grant insert on app.open_things to kitchen_app", "view app.open_things", "grants"),
    ("comment on view app.open_things is 'all'", "view app.open_things", "comment"),
    ("drop index app.counts_tenant", "index counts_tenant on app.counts", "missing"),
    ("alter materialized view app.counts owner to kitchen_owner", "view app.counts", "owner"),
    # extensions, foreign data, publications, rarer kinds
    ("create extension pg_trgm", "extension pg_trgm", "extra"),
    ("alter extension btree_gist set schema app", "extension btree_gist", "schema"),
    ("revoke execute on function gbt_decompress(internal) from public",
     "privileges on extension object function public.gbt_decompress(pg_catalog.internal)", "extra"),
    ("alter server kitchen_server options (set host 'other.test')", "foreign server kitchen_server", "options"),
    ("grant usage on foreign server kitchen_server to kitchen_app", "foreign server kitchen_server", "grants"),
    ("alter foreign table app.remote options (set table_name 'x')", "table app.remote", "foreign options"),
    ("drop user mapping for kitchen_app server kitchen_server",
     "user mapping kitchen_app on kitchen_server", "missing"),
    ("alter event trigger kitchen_ddl disable", "event trigger kitchen_ddl", "enabled"),
    ("alter publication kitchen_feed set table app.things (tenant_id, id, name)", "publication kitchen_feed", "tables"),
    ("alter publication kitchen_feed set (publish = 'insert')", "publication kitchen_feed", "pubupdate"),
    ("drop event trigger kitchen_ddl; create event trigger kitchen_ddl on ddl_command_end"
     " when tag in ('CREATE TABLE', 'CREATE VIEW') execute function app.tg_ddl()",
     "event trigger kitchen_ddl", "tags"),
    ("create publication all_of_it for all tables", "publication all_of_it", "extra"),
    ("create operator class app.money_ops for type app.money using hash as operator 1 app.===",
     "operator class app.money_ops using hash", "extra"),
    ("create operator family app.family using btree", "operator family app.family using btree", "extra"),
    ("create access method heap2 type table handler heap_tableam_handler", "access method heap2", "extra"),
    ("create foreign data wrapper other_wrapper", "foreign data wrapper other_wrapper", "extra"),
    ("create text search template app.t (lexize = dsimple_lexize)", "text search template app.t", "extra"),
    ("create text search parser app.p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end,"
     " lextypes = prsd_lextype)", "text search parser app.p", "extra"),
    ("create type app.shell", "type app.shell", "extra"),
    ("drop cast (app.state as integer)", "cast (app.state as integer)", "missing"),
    ("drop operator app.=== (app.money, app.money)", "operator app.===(app.money,app.money)", "missing"),
    ("drop collation app.byte_order; create collation app.byte_order (provider = libc, locale = 'POSIX')",
     "collation app.byte_order", "collcollate"),
    ("alter text search configuration app.words drop mapping for url",
     "text search configuration app.words", "mappings"),
    ("alter text search dictionary app.plain (accept = false)", "text search dictionary app.plain", "options"),
    ("drop conversion app.latin", "conversion app.latin", "missing"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name", "what"), CHANGES, ids=[change[:70] for change, _, _ in CHANGES])
def test_one_difference_is_named(kitchen: Template, before: Snapshot, change: str, name: str, what: str) -> None:
    with kitchen.clone() as clone:
        execute(clone.conninfo, change)
        after = snapshot(clone.conninfo)
    findings = drift.compare(before, after, left="the declared tree", right="the database")
    named = {finding.object: finding for finding in findings}
    assert name in named, f"not told: {[(finding.object, finding.message) for finding in findings]}"
    finding = named[name]
    if what in ("missing", "extra"):
        assert finding.rule == f"{what}_in_database"
    else:
        assert finding.rule == "differs"
        assert what in finding.message.split(": ", 1)[1].split(", ")
        assert finding.detail


def test_a_clone_does_not_differ(kitchen: Template, before: Snapshot) -> None:
    with kitchen.clone() as clone:
        assert drift.compare(before, snapshot(clone.conninfo)) == []

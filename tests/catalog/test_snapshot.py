"""What a snapshot says of a database: the facts that lint and the leak proof lean on."""

from __future__ import annotations

import json

import psycopg
import pytest
from kitchen_sink import execute

from dbkit import drift
from dbkit.catalog import Grant, Membership, Snapshot, snapshot
from dbkit.errors import DbkitError
from dbkit.postgres import Database, Server, Template


def test_table_knows_its_keys_and_security(before: Snapshot) -> None:
    things = before.tables["app.things"]
    assert (things.kind, things.row_security, things.force_row_security) == ("table", True, True)
    assert things.primary_key == ("tenant_id", "id")
    assert [(key.columns, key.references, key.referenced_columns, key.on_delete) for key in things.foreign_keys] == [
        (("owner_id",), "app.owners", ("id",), "cascade")
    ]
    assert things.constraints["things_name_length"].expression == "(length(name) <= 80)"
    assert things.columns["address"].type_key == "app.email"
    assert things.columns["id"].identity == "always"
    assert things.columns["name_upper"].generated == "stored"


def test_null_acl_is_written_out_as_what_it_means(before: Snapshot) -> None:
    assert Grant("public", "EXECUTE") in before.functions["app.tenant()"].acl
    assert Grant("public", "USAGE") in before.domains["app.email"].acl
    assert Grant("postgres", "TRUNCATE") in before.tables["app.owners"].acl
    assert before.functions["app.next_state(app.state, integer)"].acl == (
        Grant("kitchen_app", "EXECUTE"),
        Grant("postgres", "EXECUTE"),
    )
    assert before.tables["app.things"].columns["note"].acl == (Grant("kitchen_app", "UPDATE"),)


def test_revoking_and_granting_the_default_again_is_no_difference(kitchen: Template, before: Snapshot) -> None:
    with kitchen.clone() as clone:
        execute(
            clone.conninfo,
            "revoke execute on function app.tenant() from public; grant execute on function app.tenant() to public",
        )
        assert drift.compare(before, snapshot(clone.conninfo)) == []


def test_policy_and_view_name_what_they_read(database: Database) -> None:
    execute(
        database.conninfo,
        """
        create table public.members (tenant_id integer, user_name text);
        create function public.who() returns text language sql return current_user;
        create table public.docs (tenant_id integer);
        create policy p on public.docs
            using (tenant_id in (select m.tenant_id from public.members as m where m.user_name = public.who()));
        create view public.v as select public.who() as who, d.tenant_id from public.docs as d;
        """,
    )
    taken = snapshot(database.conninfo)
    policy = taken.tables["public.docs"].policies["p"]
    assert (policy.command, policy.permissive, policy.roles) == ("all", True, ("public",))
    assert (policy.reads, policy.calls) == (("public.members",), ("public.who()",))
    assert (taken.views["public.v"].reads, taken.views["public.v"].calls) == (("public.docs",), ("public.who()",))


def test_index_keys_predicate_and_the_constraint_behind(before: Snapshot) -> None:
    indexes = before.tables["app.things"].indexes
    opened = indexes["things_open"]
    assert (opened.columns, opened.include, opened.method) == (("tenant_id", "made_at"), ("name",), "btree")
    assert opened.predicate == "(state = 'open'::app.state)"
    assert (indexes["things_lower"].columns, indexes["things_lower"].keys) == ((None,), ("lower(name)",))
    assert indexes["things_lower"].opclasses == ("text_pattern_ops",)
    assert indexes["things_pkey"].primary
    assert indexes["things_pkey"].constraint == "things_pkey"


def test_trigger_parts(before: Snapshot) -> None:
    touch = before.tables["app.things"].triggers["touch"]
    assert (touch.timing, touch.events, touch.for_each_row) == ("before", ("update",), True)
    assert touch.function == "app.tg_touch()"


def test_function_parts(before: Snapshot) -> None:
    function = before.functions["app.next_state(app.state, integer)"]
    assert (function.security_definer, function.volatility, function.language) == (True, "immutable", "plpgsql")
    assert function.setting == {"search_path": "pg_catalog, pg_temp"}
    assert (function.argument_names, function.argument_types) == (("state", "step"), ("app.state", "integer"))
    assert function.statement is not None
    assert "RETURN" in (before.functions["app.tenant()"].body or "")


def test_view_options(before: Snapshot) -> None:
    view = before.views["app.open_things"]
    assert view.security_invoker
    assert view.security_barrier
    assert not before.views["app.owner_names"].security_invoker


def test_partitions_know_their_parent(before: Snapshot) -> None:
    assert before.tables["app.events"].partition_key == "RANGE (at)"
    assert before.tables["app.events_old"].inherits == ("app.events",)
    assert before.tables["app.events_rest"].partition_bound == "DEFAULT"
    assert not before.tables["app.derived"].is_partition
    assert before.tables["app.derived"].columns["a"].inherited


def test_extension_members_are_left_out_and_the_extension_stands_for_them(before: Snapshot) -> None:
    assert "btree_gist" in before.extensions
    assert not [key for key in before.functions if key.startswith("public.gbt_")]


def test_roles_carry_attributes_and_memberships(server: Server, database: Database) -> None:
    execute(
        database.conninfo,
        """
        create role catalog_group bypassrls; create role catalog_member login noinherit in role catalog_group;
        alter role catalog_member set app.tenant = 'x';
        create table public.t (); alter table public.t owner to catalog_group;
        """,
    )
    taken = snapshot(database.conninfo)
    execute(database.conninfo, "drop table public.t; drop role catalog_member; drop role catalog_group")
    member = taken.roles["catalog_member"]
    assert member.config == ("app.tenant=x",)
    assert member.member_of == (Membership("catalog_member", "catalog_group", admin=False, inherit=False, set=True),)
    assert taken.roles["catalog_group"].bypass_rls
    assert taken.roles["catalog_group"].referenced
    assert not member.referenced


def test_json_holds_everything_and_no_secret(before: Snapshot) -> None:
    text = json.dumps(before.as_dict())
    assert json.loads(text)["tables"]["app.things"]["policies"]["own_rows"]["command"] == "select"
    assert "secret-value" not in text


def test_a_subscription_counts_without_its_connection_string(database: Database) -> None:
    before = snapshot(database.conninfo)
    execute(
        database.conninfo,
        "create subscription s connection 'dbname=x password=sesame' publication p"
        " with (connect = false, slot_name = none)",
    )
    after = snapshot(database.conninfo)
    execute(database.conninfo, "drop subscription s")
    assert [finding.object for finding in drift.compare(before, after)] == ["subscription s"]
    assert "sesame" not in json.dumps(after.as_dict())


def test_only_the_schemas_asked_for(kitchen: Template) -> None:
    with kitchen.clone() as clone:
        execute(clone.conninfo, "create schema side; create table side.t ()")
        execute(clone.conninfo, "create schema tests; create table tests.t ()")
        chosen = snapshot(clone.conninfo, ["side", "absent"])
        everything = snapshot(clone.conninfo)
    assert list(chosen.tables) == ["side.t"]
    assert list(chosen.schemas) == ["side"]
    assert not chosen.others
    assert "side.t" in everything.tables
    assert "tests.t" not in everything.tables
    assert everything.excluded_schemas == ("tests",)


def test_names_that_need_quotes(database: Database) -> None:
    execute(database.conninfo, 'create schema "My Schema"; create table "My Schema"."a.b" ("Weird ""Col" integer)')
    taken = snapshot(database.conninfo)
    table = taken.tables['"My Schema"."a.b"']
    assert (table.schema, table.name, list(table.columns)) == ("My Schema", "a.b", ['Weird "Col'])


def test_cron_jobs_are_rows_that_count(database: Database) -> None:
    execute(
        database.conninfo,
        """
        create schema cron; create schema core;
        create table cron.job (jobid bigint, schedule text, command text, nodename text, database text, username text,
            active boolean, jobname text);
        create table core.cron_jobs (name text primary key, schedule text, command text);
        insert into cron.job values (1, '* * * * *', 'select 1', 'localhost', 'x', 'postgres', true, 'tick');
        insert into core.cron_jobs values ('nightly', '0 3 * * *', 'select 2');
        """,
    )
    before = snapshot(database.conninfo)
    assert before.cron_sources == ("cron.job", "core.cron_jobs")
    execute(database.conninfo, "update cron.job set jobid = 7, username = 'other'")
    assert drift.compare(before, snapshot(database.conninfo)) == []
    execute(database.conninfo, "update cron.job set schedule = '0 * * * *'; delete from core.cron_jobs")
    findings = drift.compare(before, snapshot(database.conninfo))
    assert [(finding.object, finding.rule) for finding in findings] == [
        ("cron job core.cron_jobs nightly", "missing_in_right"),
        ("cron job cron.job tick", "differs"),
    ]


def test_session_settings_of_the_login_do_not_show(kitchen: Template, before: Snapshot) -> None:
    with kitchen.clone() as clone:
        execute(
            clone.conninfo,
            f'alter database "{clone.name}" set search_path = app;'
            f"alter database \"{clone.name}\" set timezone = 'Asia/Tokyo';"
            f'alter database "{clone.name}" set quote_all_identifiers = on',
        )
        assert drift.compare(before, snapshot(clone.conninfo)) == []


def test_an_ordinary_login_may_take_it(server: Server, kitchen: Template, before: Snapshot) -> None:
    with kitchen.clone() as clone:
        execute(clone.conninfo, "create role catalog_reader login")
        try:
            taken = snapshot(server.conninfo(clone.name, user="catalog_reader"))
        finally:
            execute(clone.conninfo, "drop role catalog_reader")
    assert drift.compare(before, taken) == []


def test_a_server_that_is_not_there_is_said(tmp_path: object) -> None:
    with pytest.raises(DbkitError) as caught:
        snapshot(f"host={tmp_path} dbname=x connect_timeout=2")
    assert caught.value.message == "cannot read the database"
    assert caught.value.hint


def test_reading_changes_nothing(database: Database) -> None:
    with psycopg.connect(database.conninfo) as connection:
        xid = "select pg_current_xact_id_if_assigned()"
        assert connection.execute(xid).fetchone() == (None,)
    execute(database.conninfo, f'alter database "{database.name}" set default_transaction_read_only = on')
    assert snapshot(database.conninfo).database.name == database.name

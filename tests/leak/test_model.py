"""Classification: what is declared is checked against the catalog, what is absent is inferred with a reason."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from leak_schema import TENANCY, execute

from dbkit.errors import DbkitError
from dbkit.postgres import Database
from dbkit.tenancy.classify import build_model
from dbkit.tenancy.declaration import parse_declaration
from dbkit.tenancy.describe import describe_model
from dbkit.tenancy.model import Kind, Model
from dbkit.tenancy.reading import read_relations


def model_of(database: Database, tenancy: dict[str, Any], **options: Any) -> Model:
    declaration = parse_declaration(tenancy, "tenancy.toml")
    with psycopg.connect(database.conninfo) as connection:
        return build_model(declaration, read_relations(connection, declaration.app_roles), **options)


def kinds(model: Model, scope: int = 0) -> dict[str, str]:
    return {
        name: f"{table.kind}({table.column})" if table.column else str(table.kind)
        for name, table in model.scopes[scope].tables.items()
    }


def test_a_declared_model_needs_no_guessing(clean: Database) -> None:
    model = model_of(clean, {**TENANCY, "internal": ["app.context_key"]})
    assert kinds(model) == {
        "app.context_key": "internal",
        "app.invoice_lines": "tenant(tenant_id)",
        "app.invoices": "tenant(tenant_id)",
        "app.memberships": "tenant(tenant_id)",
        "app.tenants": "tenant(id)",
        "app.users": "member",
    }
    assert model.inferred == ()


def test_roles_and_context_alone_give_the_same_model(clean: Database) -> None:
    model = model_of(clean, {key: TENANCY[key] for key in ("app_roles", "context")})
    assert kinds(model) == kinds(model_of(clean, TENANCY))
    assert {what for what, _, _ in model.inferred} >= {"columns", "tenants", "memberships"}
    text = describe_model(model)
    assert "memberships: app.memberships(user_id, tenant_id) (memberships_pkey is unique over user and tenant)" in text
    assert "no app role has a privilege on it" in text


def test_precedence_is_table_schema_columns(clean: Database) -> None:
    execute(clean.conninfo, "alter table app.invoices add owner_id uuid, add reseller_id uuid")
    tenancy = {**TENANCY, "columns": ["tenant_id"]}
    assert kinds(model_of(clean, tenancy))["app.invoices"] == "tenant(tenant_id)"
    tenancy["schemas"] = {"app": "owner_id"}
    assert kinds(model_of(clean, tenancy))["app.invoices"] == "tenant(owner_id)"
    tenancy["tables"] = {"app.invoices": "reseller_id"}
    assert kinds(model_of(clean, tenancy))["app.invoices"] == "tenant(reseller_id)"
    tenancy["user_tables"] = {"app.invoices": "reseller_id"}
    assert kinds(model_of(clean, tenancy))["app.invoices"] == "user(reseller_id)"
    tenancy["shared"] = ["app.invoices"]
    assert kinds(model_of(clean, tenancy))["app.invoices"] == "shared"


def test_what_is_reachable_and_unexplained_is_unknown(clean: Database) -> None:
    execute(
        clean.conninfo,
        """create table app.countries (code text primary key);
           create table app.regions (code text primary key references app.countries);
           create table app.events (id uuid primary key, payload jsonb);
           create table app.attachments (id uuid primary key, tenant uuid, number text,
               foreign key (tenant, number) references app.invoices (tenant_id, number));
           grant select on app.countries, app.regions to leak_app;
           grant select, insert on app.events, app.attachments to leak_app""",
    )
    found = kinds(model_of(clean, TENANCY))
    assert found["app.countries"] == "shared"
    assert found["app.regions"] == "shared"
    assert found["app.events"] == "unknown"
    assert found["app.attachments"] == "row"


@pytest.mark.parametrize(
    ("change", "message", "near"),
    [
        ({"app_roles": ["leak_ap"]}, "app role does not exist: leak_ap", "leak_app"),
        ({"columns": ["tenantid"]}, "column does not exist: tenantid", "tenant_id"),
        ({"tenants": "app.tenant.id"}, "table does not exist: app.tenant", "app.tenants"),
        ({"shared": ["app.invoice"]}, "table does not exist: app.invoice", "app.invoice"),
        ({"internal": ["context_keys"]}, "table does not exist: context_keys", "context_key"),
        ({"tables": {"app.invoices": "tenant"}}, "column of app.invoices does not exist: tenant", "tenant_id"),
        ({"user_tables": {"app.users": "idd"}}, "column of app.users does not exist: idd", "id"),
        ({"schemas": {"apq": "tenant_id"}}, "schema does not exist: apq", "app"),
        ({"memberships": "app.members(user_id, tenant_id)"}, "table does not exist: app.members", "app.memberships"),
        ({"definers": ["app.tenants()"]}, "function does not exist: app.tenants", "app.tenant"),
        ({"values": {"app.users.mail": "x"}}, "column of app.users does not exist: mail", "email"),
        ({"samples": [{"login": "leak_apps"}]}, "login role does not exist: leak_apps", "leak_app"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error(
    clean: Database, change: dict[str, Any], message: str, near: str
) -> None:
    with pytest.raises(DbkitError) as raised:
        model_of(clean, {**TENANCY, **change})
    assert raised.value.message == message
    assert near in (raised.value.hint or "")


def test_a_context_that_only_stores_is_believed(clean: Database) -> None:
    checked = model_of(clean, TENANCY).scopes[0]
    assert not checked.trusts_settings
    trusted = model_of(clean, TENANCY, isolation="trusted").scopes[0]
    assert trusted.trusts_settings and trusted.verifies
    for context in (
        "select set_config('app.tenant_id', {tenant}, true)",
        "set local app.tenant_id = {tenant}",
        "select set_config('request.jwt.claims', json_build_object('sub', {user}, 'f(x)', 1)::text, true)",
    ):
        scope = model_of(clean, {**TENANCY, "context": [context]}).scopes[0]
        assert scope.trusts_settings and not scope.verifies, context


def test_effective_privileges_come_through_membership_and_columns(clean: Database) -> None:
    execute(
        clean.conninfo,
        "revoke all on app.invoices from leak_app; grant select (id), update (memo) on app.invoices to public",
    )
    held = model_of(clean, TENANCY).relations.privileges["leak_app", "app.invoices"]
    assert held.reachable
    assert (held.columns["select"], held.columns["update"]) == (frozenset({"id"}), frozenset({"memo"}))
    assert not held.may("insert")


def test_a_partition_has_the_tenants_of_its_table(clean: Database) -> None:
    execute(
        clean.conninfo,
        """create table app.log (tenant_id uuid not null, at date not null) partition by range (at);
           create table app.log_2030 partition of app.log for values from ('2030-01-01') to ('2031-01-01')""",
    )
    model = model_of(clean, {**TENANCY, "columns": ["tenant_id"], "tables": {"app.log": "tenant_id"}})
    assert kinds(model)["app.log_2030"] == "tenant(tenant_id)"
    assert model.scopes[0].tables["app.log_2030"].kind is Kind.TENANT


def test_tables_of_extensions_are_left_out_by_name(clean: Database) -> None:
    execute(
        clean.conninfo,
        "create table app.carried (id int); create extension if not exists plpgsql;"
        "alter extension plpgsql add table app.carried",
    )
    model = model_of(clean, TENANCY)
    assert "app.carried" not in model.scopes[0].tables
    assert "left out, owned by extensions: app.carried" in describe_model(model)

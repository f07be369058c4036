"""`--against`: only what a change adds is reported, whether the base is a database, a saved report or a revision."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leak_schema import TENANCY, execute

from dbkit.postgres import Database, Template

Run = Callable[..., tuple[int, str, str]]

OPEN = "alter policy own_select on app.invoices using (true)"
LEAKY_DELETE = "alter policy own_delete on app.invoices using (true)"


@pytest.fixture
def base(clean_template: Template) -> Iterator[Database]:
    """What was there before the change."""
    with clean_template.clone() as clone:
        yield clone


def changes(out: str) -> dict[str, tuple[str, str]]:
    """object and rule -> class and severity of every finding that is a change of a guard."""
    found = json.loads(out)["findings"]
    return {
        f"{item['object']} {item['rule']}": (item["class"], item["severity"])
        for item in found
        if item["class"] in ("safe", "breaking", "needs review", "dangerous")
    }


def test_nothing_changed_is_green_even_where_the_base_leaks(
    run: Run, base: Database, clean: Database, tenancy: Path
) -> None:
    for database in (base, clean):
        execute(database.conninfo, OPEN)
    code, out, err = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--against", base.conninfo)
    assert (code, err) == (0, "")
    assert "error:" not in out
    assert "0 added, " in out and "changes of guards: 0 dangerous, 0 needs review, 0 breaking, 0 safe" in out


def test_only_the_added_leak_is_reported(run: Run, base: Database, clean: Database, tenancy: Path) -> None:
    for database in (base, clean):
        execute(database.conninfo, OPEN)
    execute(clean.conninfo, LEAKY_DELETE)
    arguments = ("--database", clean.conninfo, "--tenancy", str(tenancy), "--against", base.conninfo)
    code, out, _ = run(*arguments, "--format", "json")
    assert code == 1
    report = json.loads(out)
    leaks = {item["rule"] for item in report["findings"] if item["verdict"] == "leak"}
    assert "foreign_rows_deletable" in leaks and "foreign_rows_readable" not in leaks
    assert report["summary"]["known"] > 0
    assert changes(out) == {"app.invoices policy_loosened": ("dangerous", "warning")}
    code, out, _ = run(*arguments)
    assert "warning: dangerous: USING of policy own_delete on app.invoices is loosened [policy_loosened]" in out


def test_a_leak_in_more_states_is_added(run: Run, base: Database, clean: Database, tenancy: Path) -> None:
    fence = "alter policy own_select on app.invoices using (tenant_id = app.tenant() or app.tenant() is null)"
    execute(base.conninfo, fence)
    execute(clean.conninfo, OPEN)
    arguments = ("--tenancy", str(tenancy), "--format", "json")
    code, out, _ = run("--database", clean.conninfo, "--against", base.conninfo, *arguments)
    assert code == 1
    assert any(item["verdict"] == "leak" for item in json.loads(out)["findings"])
    # The other way round, fewer states leak: nothing is added.
    code, out, _ = run("--database", base.conninfo, "--against", clean.conninfo, *arguments)
    assert code == 0
    assert changes(out) == {"app.invoices policy_tightened": ("breaking", "note")}


def test_a_dangerous_change_fails_although_nothing_leaks(
    run: Run, base: Database, clean: Database, tenancy: Path
) -> None:
    execute(
        clean.conninfo,
        "alter table app.invoice_lines no force row level security; grant select on app.users to leak_app",
    )
    code, out, _ = run(
        "--database", clean.conninfo, "--tenancy", str(tenancy), "--against", base.conninfo, "--format", "json"
    )
    assert code == 1
    assert not [item for item in json.loads(out)["findings"] if item["verdict"] == "leak"]
    found = changes(out)
    assert found["app.invoice_lines force_dropped"] == ("dangerous", "warning")
    assert found["app.users privilege_granted"] == ("needs review", "note")


def test_a_new_table_is_new_and_not_an_error_of_the_base(
    run: Run, base: Database, clean: Database, tenancy: Path
) -> None:
    execute(
        clean.conninfo,
        """create table app.notes (tenant_id uuid not null references app.tenants (id), id uuid primary key, body text);
           grant select on app.notes to leak_app""",
    )
    tenancy.write_text(tenancy.read_text() + '[tenancy.tables]\n"app.notes" = "tenant_id"\n', encoding="utf-8")
    code, out, err = run(
        "--database", clean.conninfo, "--tenancy", str(tenancy), "--against", base.conninfo, "--format", "json"
    )
    assert (code, err) == (1, "")
    assert changes(out)["app.notes table_added"] == ("dangerous", "warning")
    leaks = {item["object"] for item in json.loads(out)["findings"] if item["verdict"] == "leak"}
    assert leaks == {"app.notes"}


def test_a_saved_report_is_a_base(run: Run, clean: Database, tenancy: Path, tmp_path: Path) -> None:
    saved = tmp_path / "base.json"
    arguments = ("--database", clean.conninfo, "--tenancy", str(tenancy))
    run(*arguments, "--format", "json", "--output", str(saved))
    execute(clean.conninfo, LEAKY_DELETE)
    code, out, _ = run(*arguments, "--against", str(saved), "--format", "json")
    assert code == 1
    assert changes(out) == {"app.invoices policy_loosened": ("dangerous", "warning")}
    # A report from before there were guards in it: the findings are compared, and that the rest is not is said.
    old = json.loads(saved.read_text(encoding="utf-8"))
    del old["summary"]["guards"]
    saved.write_text(json.dumps(old), encoding="utf-8")
    code, out, _ = run(*arguments, "--against", str(saved))
    assert code == 1
    assert "changes of guards: not compared, the saved report holds none" in out


PROJECT = {
    "dbkit.toml": "[modules]\nshop = []\n\n[tenancy]\n"
    f"app_roles = {json.dumps(TENANCY['app_roles'])}\n"
    "context = [\"select set_config('shop.tenant', {tenant}, true)\"]\n",
    "sql/schema/shop/_module.sql": """-- The shop.
create schema shop;
grant usage on schema shop to leak_app;
""",
    "sql/schema/shop/tenants.sql": "create table shop.tenants (id uuid primary key);\n",
    "sql/schema/shop/orders.sql": """create table shop.orders (
    tenant_id uuid not null references shop.tenants (id), id uuid not null, primary key (tenant_id, id)
);
""",
    "sql/policies/shop/tenants.sql": """alter table shop.tenants enable row level security;
alter table shop.tenants force row level security;
create policy own on shop.tenants to leak_app using (id = nullif(current_setting('shop.tenant', true), '')::uuid);
grant select on shop.tenants to leak_app;
""",
    "sql/policies/shop/orders.sql": """alter table shop.orders enable row level security;
alter table shop.orders force row level security;
create policy own on shop.orders to leak_app
    using (tenant_id = nullif(current_setting('shop.tenant', true), '')::uuid);
grant select, insert, update, delete on shop.orders to leak_app;
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project under git: one commit, clean."""
    files = {**PROJECT, "sql/schema/shop/_roles.sql": ROLES}
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "--quiet", "--message", "clean")
    return tmp_path


ROLES = """do $$
begin
    if not exists (select from pg_roles where rolname = 'leak_app') then
        create role leak_app nologin;
    end if;
end
$$;
"""


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def test_a_revision_is_a_base(run: Run, project: Path) -> None:
    code, out, err = run("--against", "HEAD")
    assert (code, err) == (0, ""), out
    sheet = project / "sql/policies/shop/orders.sql"
    sheet.write_text(sheet.read_text().replace("'')::uuid", "'')::uuid or true"), encoding="utf-8")
    code, out, _ = run("--against", "HEAD", "--format", "json")
    assert code == 1
    assert changes(out) == {"shop.orders policy_loosened": ("dangerous", "warning")}
    places = {item["location"]["file"] for item in json.loads(out)["findings"] if item["object"] == "shop.orders"}
    assert places == {"sql/policies/shop/orders.sql"}
    # The tree is as it was: nothing of the base was written into it.
    done = subprocess.run(["git", "-C", str(project), "status", "--short"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["M", "sql/policies/shop/orders.sql"]


def test_a_revision_is_read_where_archives_know_no_filters(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11.0 to 3.11.3, among them that of Debian 12."""
    extract = tarfile.TarFile.extractall
    monkeypatch.setattr(tarfile.TarFile, "extractall", lambda self, path: extract(self, path))
    code, out, err = run("--against", "HEAD")
    assert (code, err) == (0, ""), out


@pytest.mark.parametrize(
    ("base", "text", "message"),
    [
        ("no-such-revision", None, "base of the comparison not found: no-such-revision"),
        ("base.json", "{}", "not a report of dbkit leak: base.json"),
        ("base.json", "no json", "not a report of dbkit leak: base.json"),
        ("base.json", '{"command": "lint", "findings": []}', "not a report of dbkit leak: base.json"),
        ("postgresql://nobody@/x?host=/nowhere", None, "cannot connect to the database"),
    ],
)
def test_a_base_that_is_none_is_an_error(run: Run, project: Path, base: str, text: str | None, message: str) -> None:
    if text is not None:
        (project / base).write_text(text, encoding="utf-8")
    code, out, err = run("--against", base)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")
    assert "hint: " in err and "Traceback" not in err


def test_a_base_password_is_not_repeated(run: Run, base: Database, clean: Database, tenancy: Path) -> None:
    secret = base.conninfo + " password='hunter2'"
    _, out, err = run("--database", clean.conninfo, "--tenancy", str(tenancy), "--against", secret)
    assert "hunter2" not in out + err
    assert "against " in out, err

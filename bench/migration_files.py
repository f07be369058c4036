"""Generate N small, realistic multi-tenant migrations, the same ones in the layout of each runner.

Tables, policies, indexes, functions and altered tables in the proportions a growing product writes them. The random
generator is seeded: every run measures the same files.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

__all__ = ["generate"]

_NOUNS = (
    "invoice", "order", "customer", "ticket", "project", "task", "message", "webhook", "payment", "asset", "report",
    "member",
)  # fmt: skip
_COLUMNS = {
    "title": "text",
    "status": "text not null default ''",
    "amount_cents": "bigint",
    "meta": "jsonb",
    "due_at": "timestamptz",
    "email": "text",
    "place": "bigint",
    "archived_at": "timestamptz",
}
_SETUP = """create schema app;

do $$
begin
    create role app_bench nologin;
exception when duplicate_object then null;
end
$$;

grant usage on schema app to app_bench;

create function app.current_tenant() returns uuid
language sql stable
as $$ select nullif(current_setting('app.tenant_id', true), '')::uuid $$;
"""


def generate(folder: Path, count: int) -> None:
    """Write `count` migrations as psql, dbmate, yoyo, sqitch and plain folders below `folder`.

    `all.sql` runs them through one psql session, one transaction a file.
    """
    writer = _Writer(random.Random(20260101))
    migrations = [("setup", _SETUP), *(writer.next(number) for number in range(2, count + 1))]
    session = ["\\set ON_ERROR_STOP 1\n"]
    plan = ["%syntax-version=1.0.0\n%project=bench\n\n"]
    for number, (name, sql) in enumerate(migrations, start=1):
        file = f"{number:04d}_{name}.sql"
        _write(folder / "plain" / file, sql)
        _write(folder / "yoyo" / file, sql)
        _write(folder / "dbmate" / f"{number:014d}_{name}.sql", f"-- migrate:up\n{sql}\n-- migrate:down\n")
        _write(folder / "sqitch" / "deploy" / file, f"-- Deploy {name}\nbegin;\n{sql}\ncommit;\n")
        session.append(f"begin;\n\\i plain/{file}\ncommit;\n")
        clock = f"{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
        plan.append(f"{file.removesuffix('.sql')} 2026-01-01T{clock}Z bench <bench@example.com> # {name}\n")
    _write(folder / "all.sql", "".join(session))
    _write(folder / "sqitch" / "sqitch.plan", "".join(plan))
    _write(folder / "sqitch" / "sqitch.conf", "[core]\n\tengine = pg\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class _Writer:
    """Remembers the tables made so far, so that later migrations can use them."""

    def __init__(self, choice: random.Random) -> None:
        self.random = choice
        self.tables: list[tuple[str, list[str]]] = []
        kinds: dict[Callable[[int], tuple[str, str]], int] = {
            self.table: 25,
            self.policy: 30,
            self.index: 20,
            self.function: 15,
            self.alter: 10,
        }
        self.kinds, self.weights = list(kinds), list(kinds.values())

    def next(self, number: int) -> tuple[str, str]:
        """Name and SQL of one migration."""
        if len(self.tables) < 5:
            return self.table(number)
        (kind,) = self.random.choices(self.kinds, self.weights)
        return kind(number)

    def table(self, number: int) -> tuple[str, str]:
        name = f"{self.random.choice(_NOUNS)}_{number:04d}"
        columns = self.random.sample(list(_COLUMNS), 5)
        lines = ["id uuid primary key default gen_random_uuid()", "tenant_id uuid not null"]
        lines += [f"{column} {_COLUMNS[column]}" for column in columns]
        if len(self.tables) > 3 and self.random.random() < 0.6:
            lines.append(f"parent_id uuid references app.{self.random.choice(self.tables)[0]} (id)")
        lines += ["created_at timestamptz not null default now()", "unique (tenant_id, id)"]
        self.tables.append((name, columns))
        body = ",\n    ".join(lines)
        return f"create_{name}", (
            f"create table app.{name} (\n    {body}\n);\n\n"
            f"comment on table app.{name} is 'tenant table {name}';\n\n"
            f"alter table app.{name} enable row level security;\nalter table app.{name} force row level security;\n"
        )

    def policy(self, number: int) -> tuple[str, str]:
        table, _ = self.random.choice(self.tables)
        command = self.random.choice(["select", "insert", "update", "delete"])
        condition = "(tenant_id = (select app.current_tenant()))"
        using = "" if command == "insert" else f" using {condition}"
        check = f" with check {condition}" if command in ("insert", "update") else ""
        return f"policy_{number:04d}", (
            f"create policy p{number:04d}_{command} on app.{table}\n    for {command} to app_bench{using}{check};\n\n"
            f"grant {command} on app.{table} to app_bench;\n"
        )

    def index(self, number: int) -> tuple[str, str]:
        table, columns = self.random.choice(self.tables)
        column = self.random.choice(columns)
        method = "using gin (meta jsonb_path_ops)" if column == "meta" else f"(tenant_id, {column})"
        return f"index_{number:04d}", f"create index ix{number:04d}_{column} on app.{table} {method};\n"

    def function(self, number: int) -> tuple[str, str]:
        table, columns = self.random.choice(self.tables)
        column = self.random.choice(columns)
        return f"function_{number:04d}", (
            f"create or replace function app.fn{number:04d}(tenant uuid, page_size integer default 50)\n"
            f"returns setof app.{table}\nlanguage plpgsql stable\nset search_path = pg_catalog, app\nas $fn$\n"
            "declare\n    v_count bigint;\nbegin\n"
            f"    select count(*) into v_count from app.{table} t where t.tenant_id = tenant;\n"
            "    if v_count = 0 then\n        return;\n    end if;\n"
            f"    return query\n        select t.* from app.{table} t\n"
            f"        where t.tenant_id = tenant and t.{column} is not null\n"
            "        order by t.created_at desc limit page_size;\nend\n$fn$;\n\n"
            f"revoke all on function app.fn{number:04d}(uuid, integer) from public;\n"
        )

    def alter(self, number: int) -> tuple[str, str]:
        table, _ = self.random.choice(self.tables)
        column = f"x{number:04d}"
        return f"alter_{number:04d}", (
            f"alter table app.{table} add column {column} text;\n"
            f"alter table app.{table} add constraint {column}_length check (length({column}) <= 200) not valid;\n"
            f"alter table app.{table} validate constraint {column}_length;\n"
        )

"""The DDL forms whose locks locks.toml lists, and how they are measured: run each on a server, read pg_locks.

`scripts/measure_locks.py` writes the file from it; a test compares the file with the server at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dbkit.lint.locks import Lock
from dbkit.migrate.session import Session

__all__ = ["FORMS", "Form", "as_toml", "measure"]

Facts = dict[str, dict[str, Lock]]

_FIXTURE = """
create schema m;
create function m.f() returns trigger language plpgsql as 'begin return new; end';
create table m.a (id int primary key, v int not null default 0, t text, g int generated always as (1) stored);
create table m.b (id int primary key, a_id int);
alter table m.b add constraint b_fk foreign key (a_id) references m.a not valid;
create index a_v_idx on m.a (v);
create trigger trg before insert on m.a for each row execute function m.f();
create rule r as on delete to m.b do instead nothing;
create policy p on m.a;
create table m.parted (id int not null) partition by range (id);
create table m.part partition of m.parted for values from (0) to (10);
create table m.alone (id int not null);
create table m.ident (id int generated always as identity);
create table m.clustered (id int primary key);
alter table m.clustered cluster on clustered_pkey;
create materialized view m.mv as select 1 as id;
create unique index mv_key on m.mv (id);
create table m.child () inherits (m.b);
create table m.other (id int primary key, a_id int);
"""


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write DDL.

    Attributes:
        section, name: where locks.toml lists it.
        sql: the statement.
        table: the relation of m whose lock is meant.
        alone: it refuses a transaction.
    """

    section: str
    name: str
    sql: str
    table: str = "a"
    alone: bool = False


def _alter(name: str, command: str, table: str = "a", *, alone: bool = False, locked: str | None = None) -> Form:
    return Form("alter", name, f"alter table m.{table} {command}", locked or table, alone)


FORMS = (
    Form("statement", "IndexStmt", "create index on m.a (t)"),
    Form("statement", "IndexStmt concurrently", "create index concurrently on m.a (t)", alone=True),
    Form("statement", "CreateTrigStmt", "create trigger n before update on m.a for each row execute function m.f()"),
    Form("statement", "CreatePolicyStmt", "create policy n on m.a"),
    Form("statement", "AlterPolicyStmt", "alter policy p on m.a using (true)"),
    Form("statement", "RuleStmt", "create rule n as on update to m.a do instead nothing"),
    Form("statement", "RenameStmt", "alter table m.a rename to a2"),
    Form("statement", "AlterObjectSchemaStmt", "alter table m.a set schema public"),
    Form("statement", "ClusterStmt", "cluster m.clustered", "clustered"),
    Form("statement", "RefreshMatViewStmt", "refresh materialized view m.mv", "mv"),
    Form("statement", "RefreshMatViewStmt concurrently", "refresh materialized view concurrently m.mv", "mv"),
    Form("statement", "TruncateStmt", "truncate m.b", "b"),
    Form("statement", "CreateStmt partition", "create table m.p2 partition of m.parted for values from (10) to (20)",
         "parted"),
    Form("statement", "CreateStmt foreign key", "create table m.c2 (a_id int references m.a)"),
    Form("drop", "OBJECT_TABLE", "drop table m.other", "other"),
    Form("drop", "OBJECT_POLICY", "drop policy p on m.a"),
    Form("drop", "OBJECT_TRIGGER", "drop trigger trg on m.a"),
    Form("drop", "OBJECT_RULE", "drop rule r on m.b", "b"),
    _alter("AT_AddConstraint foreign key", "add foreign key (a_id) references m.a", "other"),
    _alter("AT_ValidateConstraint", "validate constraint b_fk", "b"),
    _alter("AT_SetStatistics", "alter v set statistics 10"),
    _alter("AT_SetRelOptions", "set (fillfactor = 90)"),
    _alter("AT_ResetRelOptions", "reset (fillfactor)"),
    _alter("AT_SetOptions", "alter v set (n_distinct = 5)"),
    _alter("AT_ResetOptions", "alter v reset (n_distinct)"),
    _alter("AT_ClusterOn", "cluster on a_pkey"),
    _alter("AT_DropCluster", "set without cluster", "clustered"),
    _alter("AT_EnableTrig", "enable trigger trg"),
    _alter("AT_EnableTrigAll", "enable trigger all"),
    _alter("AT_EnableTrigUser", "enable trigger user"),
    _alter("AT_EnableAlwaysTrig", "enable always trigger trg"),
    _alter("AT_EnableReplicaTrig", "enable replica trigger trg"),
    _alter("AT_DisableTrig", "disable trigger trg"),
    _alter("AT_DisableTrigAll", "disable trigger all"),
    _alter("AT_DisableTrigUser", "disable trigger user"),
    _alter("AT_AttachPartition", "attach partition m.alone for values from (20) to (30)", "parted"),
    _alter(
        "AT_AttachPartition child", "attach partition m.alone for values from (20) to (30)", "parted", locked="alone"
    ),
    _alter("AT_DetachPartition concurrently", "detach partition m.part concurrently", "parted", alone=True),
    # What is not listed takes ACCESS EXCLUSIVE; these are here so that a server that thinks otherwise is found out.
    _alter("AT_DetachPartition", "detach partition m.part", "parted"),
    _alter("AT_AddColumn", "add column n int"),
    _alter("AT_DropColumn", "drop column v"),
    _alter("AT_AlterColumnType", "alter t type varchar(10)"),
    _alter("AT_ColumnDefault", "alter v set default 1"),
    _alter("AT_SetNotNull", "alter t set not null"),
    _alter("AT_DropNotNull", "alter v drop not null"),
    _alter("AT_SetStorage", "alter t set storage external"),
    _alter("AT_SetCompression", "alter t set compression pglz"),
    _alter("AT_DropExpression", "alter g drop expression"),
    _alter("AT_AddConstraint", "add check (v >= 0)"),
    _alter("AT_AddConstraint not valid", "add check (v >= 0) not valid"),
    _alter("AT_AddConstraint unique", "add unique (v)"),
    _alter("AT_DropConstraint", "drop constraint b_fk", "b"),
    _alter("AT_AlterConstraint", "alter constraint b_fk deferrable", "b"),
    _alter("AT_AddIdentity", "alter id add generated always as identity"),
    _alter("AT_SetIdentity", "alter id set generated by default", "ident"),
    _alter("AT_DropIdentity", "alter id drop identity", "ident"),
    _alter("AT_EnableRowSecurity", "enable row level security"),
    _alter("AT_DisableRowSecurity", "disable row level security"),
    _alter("AT_ForceRowSecurity", "force row level security"),
    _alter("AT_NoForceRowSecurity", "no force row level security"),
    _alter("AT_ReplicaIdentity", "replica identity full"),
    _alter("AT_ChangeOwner", "owner to current_user"),
    _alter("AT_SetUnLogged", "set unlogged", "other"),
    _alter("AT_EnableRule", "enable rule r", "b"),
    _alter("AT_DisableRule", "disable rule r", "b"),
    _alter("AT_DropInherit", "no inherit m.b", "child"),
)  # fmt: skip


def measure(conninfo: str) -> Facts:
    """The lock each form takes on its table, on the server of an empty database.

    Raises:
        ServerError: a form that the server refuses.
    """
    from dbkit.migrate.trace_observe import existing_objects, observe, observe_alone

    found: Facts = {}
    with (
        Session.connect(conninfo) as session,
        Session.connect(conninfo) as watching,
        Session.connect(conninfo) as holding,
    ):
        session.run("set client_min_messages = warning")
        for form in FORMS:
            session.run(_FIXTURE)
            existing = existing_objects(watching)
            if form.alone:
                effects = observe_alone(session, watching, holding, form.sql, existing)
            else:
                session.run("begin")
                effects = observe(session, form.sql, existing)
                session.run("rollback")
            found.setdefault(form.section, {})[form.name] = effects.locks[f"m.{form.table}"]
            session.run("drop schema m cascade")
    return found


def as_toml(by_major: Mapping[int, Facts]) -> str:
    """locks.toml: the facts of the oldest major, and of each newer one what differs from it."""
    oldest, *newer = sorted(by_major)
    base = by_major[oldest]
    versions = ", ".join(map(str, sorted(by_major)))
    lines = [
        f"# Locks that statements take on the tables they name, measured on PostgreSQL {versions} and written by",
        "#",
        "#     python scripts/measure_locks.py",
        "#",
        "# which runs every form of lint/lock_forms.py on a disposable server of each major there is. A subcommand of",
        "# ALTER TABLE that is not listed takes ACCESS EXCLUSIVE. Sections [postgresN.…] hold what is otherwise on N.",
    ]
    lines += _sections("", base, {section: _worth_listing(section, modes) for section, modes in base.items()})
    for major in newer:
        differs = {
            section: {name: mode for name, mode in modes.items() if base[section].get(name) is not mode}
            for section, modes in by_major[major].items()
        }
        lines += _sections(f"postgres{major}.", base, {name: modes for name, modes in differs.items() if modes})
    return "\n".join(lines) + "\n"


def _worth_listing(section: str, modes: Mapping[str, Lock]) -> dict[str, Lock]:
    if section != "alter":
        return dict(modes)
    return {
        name: mode
        for name, mode in modes.items()
        if mode is not Lock.ACCESS_EXCLUSIVE or name == "AT_AttachPartition child"
    }


def _sections(prefix: str, order: Iterable[str], facts: Mapping[str, Mapping[str, Lock]]) -> list[str]:
    lines = []
    for section in order:
        if section in facts:
            lines += ["", f"[{prefix}{section}]"]
            lines += [f'"{name}" = "{mode}"' for name, mode in facts[section].items()]
    return lines

"""CREATE EXTENSION without a schema of its own.

## What it does
Reports CREATE EXTENSION without SCHEMA, or into public, unless the file sets search_path before it. Extensions that
bring a schema of their own (plpgsql, pg_cron, postgis_topology …) are left alone.

## Why is this bad?
Without SCHEMA the functions, types and operators land in the first schema of whatever search_path the session has,
usually public, where every role finds them and their names mingle with the application's.

## Example
```sql
create extension pgcrypto;
```

## Use instead
```sql
create schema if not exists extensions;
create extension pgcrypto schema extensions;
```
"""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.lint.engine import Context
from dbkit.lint.rule import DO, Hit, Rule
from dbkit.lint.trees import option
from dbkit.parse import Statement
from dbkit.report import Severity

rule = Rule(code="C127", severity=Severity.WARNING, bodies=frozenset({DO}))

# Those whose control file names a schema, or whose script makes one.
_OWN_SCHEMA = frozenset(
    {
        "plpgsql",
        "plperl",
        "plperlu",
        "plpython3u",
        "pltcl",
        "pltclu",
        "plv8",
        "adminpack",
        "citus",
        "columnar",
        "pgagent",
    }
    | {"pg_cron", "pgmq", "pgsodium", "supabase_vault", "pg_graphql", "pglogical", "pg_repack", "pg_tle", "timescaledb"}
    | {"postgis_topology", "postgis_tiger_geocoder", "pg_net", "columnar"}
)


@rule.on("CreateExtensionStmt")
def check(statement: Statement, context: Context) -> Iterator[Hit]:
    name = statement.node["extname"]
    schema = option(statement.node.get("options", ()), "schema")
    chosen = schema["arg"]["String"]["sval"] if schema else None
    if name in _OWN_SCHEMA or chosen not in (None, "public") or (chosen is None and _path_is_set(statement)):
        return
    yield Hit(
        f"extension {name} is created in public"
        if chosen
        else f"extension {name} lands in the first schema of the path",
        at=statement.start,
        object=name,
        hint=f"create extension {name} schema extensions;",
    )


def _path_is_set(statement: Statement) -> bool:
    return any(
        item.tag == "VariableSetStmt" and item.node.get("name") == "search_path"
        for item in statement.script.statements
        if item.start < statement.start
    )

"""One normalized picture of a database, shared by drift, the leak proof, catalog lint, draft and docs.

from dbkit.catalog import snapshot
taken = snapshot("host=/tmp dbname=app")
for key, table in taken.tables.items():
    print(key, table.force_row_security, list(table.policies))
"""

from __future__ import annotations

from dbkit.catalog.elsewhere import with_role_renamed, without_privilege
from dbkit.catalog.load import TOOL_SCHEMAS, snapshot
from dbkit.catalog.model import (
    PUBLIC,
    Acl,
    Column,
    Constraint,
    CronJob,
    Database,
    DefaultPrivileges,
    Domain,
    Extension,
    Function,
    Grant,
    Index,
    Membership,
    OtherObject,
    Policy,
    Relation,
    Role,
    Rule,
    Schema,
    Sequence,
    Snapshot,
    Statistics,
    Table,
    Trigger,
    Type,
    View,
)

__all__ = [
    "PUBLIC",
    "TOOL_SCHEMAS",
    "Acl",
    "Column",
    "Constraint",
    "CronJob",
    "Database",
    "DefaultPrivileges",
    "Domain",
    "Extension",
    "Function",
    "Grant",
    "Index",
    "Membership",
    "OtherObject",
    "Policy",
    "Relation",
    "Role",
    "Rule",
    "Schema",
    "Sequence",
    "Snapshot",
    "Statistics",
    "Table",
    "Trigger",
    "Type",
    "View",
    "snapshot",
    "with_role_renamed",
    "without_privilege",
]

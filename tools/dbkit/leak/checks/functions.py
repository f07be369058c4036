"""OBJ-03: SECURITY DEFINER functions within an app role's reach: they pass every policy."""

from __future__ import annotations

from collections.abc import Iterator

from dbkit.leak.checks.subject import Subject
from dbkit.report import Finding, Severity
from dbkit.tenancy.relations import literal

__all__ = ["check_functions"]

_DEFINERS = """
select p.oid::regprocedure::text, array_agg(r.name order by r.name)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
cross join unnest({roles}::text[]) r (name)
where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
  and p.prorettype <> 'trigger'::regtype
  and has_function_privilege(r.name, p.oid, 'execute') and has_schema_privilege(r.name, n.oid, 'usage')
  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
group by p.oid order by 1
"""


def check_functions(subject: Subject) -> Iterator[Finding]:
    """Definer functions within reach: they pass every policy and this proof does not call them."""
    model = subject.model
    roles = literal("{" + ",".join(f'"{name}"' for name in model.declaration.app_roles) + "}")
    reviewed = {name.split("(")[0] for name in model.declaration.definers}
    for function, _ in subject.session.must(_DEFINERS.format(roles=roles)).rows:
        if function and function.split("(")[0] not in reviewed:
            yield Finding(
                rule="definer_function_not_attacked",
                message=f"{function} runs with its owner's rights and was not called with another tenant's ids",
                severity=Severity.NOTE,
                category="OBJ-03",
                object=function,
                hint="Review that it filters by tenant, then list it under [tenancy] definers.",
            )

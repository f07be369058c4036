"""Arrays of tenants: a row that several tenants share names all of them in one column."""

from __future__ import annotations

from dbkit.tenancy.model import Model
from dbkit.tenancy.relations import Table

__all__ = ["tenant_arrays"]


def tenant_arrays(model: Model, table: Table) -> list[str]:
    """Columns that hold keys of the registry, told by their type and by a tenant column's name in the plural."""
    if model.registry is None:
        return []
    registry = model.relations.tables[model.registry[0]]
    base = registry.columns[model.registry[1]].base
    names = {*model.tenant_columns, registry.name}
    plurals = names | {f"{name}s" for name in names} | {f"{name.removesuffix('_id')}s" for name in names}
    return [column.name for column in table.columns.values() if column.base == f"_{base}" and column.name in plurals]

"""The one tenancy model that lint, drift, the leak proof, the test generator and the docs share."""

from dbkit.tenancy.declaration import (
    Declaration,
    Memberships,
    Sample,
    Scope,
    load_declaration,
    parse_declaration,
    render_context,
)
from dbkit.tenancy.describe import describe_model, model_as_dict
from dbkit.tenancy.model import Kind, Model, ScopeModel, TableModel, build_model
from dbkit.tenancy.reading import read_relations
from dbkit.tenancy.relations import Relations, Table, literal

__all__ = [
    "Declaration",
    "Kind",
    "Memberships",
    "Model",
    "Relations",
    "Sample",
    "Scope",
    "ScopeModel",
    "Table",
    "TableModel",
    "build_model",
    "describe_model",
    "literal",
    "load_declaration",
    "model_as_dict",
    "parse_declaration",
    "read_relations",
    "render_context",
]

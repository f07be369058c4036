"""The model with its reasons, for a person and for a script: what `dbkit leak --model` prints."""

from __future__ import annotations

from dbkit.tenancy.model import Model

__all__ = ["describe_model", "model_as_dict"]


def describe_model(model: Model) -> str:
    """The model with its reasons, as `--model` prints it."""
    lines = []
    for what, value, reason in model.inferred:
        lines.append(f"{what}: {value} ({reason})")
    for scope in model.scopes:
        lines += ["", f"scope {scope.scope.name}: {', '.join(scope.scope.app_roles)}"]
        lines += [f"  context: {statement}" for statement in scope.scope.context] or ["  context: the login role"]
        lines.append(f"  settings: {scope.trust_reason}")
        width = max((len(name) for name in scope.tables), default=0)
        for name, table in scope.tables.items():
            kind = f"{table.kind}({table.column})" if table.column else str(table.kind)
            lines.append(f"  {name:<{width}}  {kind:<24} {table.reason}")
    if model.relations.extension_tables:
        lines += ["", "left out, owned by extensions: " + ", ".join(model.relations.extension_tables)]
    return "\n".join(lines).strip("\n")


def model_as_dict(model: Model) -> dict[str, object]:
    """The model for `--model --format json`."""
    return {
        "inferred": [{"what": what, "value": value, "reason": reason} for what, value, reason in model.inferred],
        "scopes": [
            {
                "name": scope.scope.name,
                "app_roles": list(scope.scope.app_roles),
                "context": list(scope.scope.context),
                "settings": scope.trust_reason,
                "tables": [
                    {"table": name, "kind": str(table.kind), "column": table.column, "reason": table.reason}
                    for name, table in scope.tables.items()
                ],
            }
            for scope in model.scopes
        ],
        "left_out": list(model.relations.extension_tables),
    }

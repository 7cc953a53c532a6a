"""Nodes and constants of an ONNX graph, by skl2onnx's scope and container."""

from __future__ import annotations

from typing import Any

__all__ = ["constant", "node"]


def node(
    scope: Any, container: Any, kind: str, inputs: list[str], output: str = "", **options: Any
) -> str:
    """Write a node and give the name of what it puts out, made up where none is given."""
    name = output or scope.get_unique_variable_name(kind.lower())
    domain = "ai.onnx.ml" if kind in ("LabelEncoder", "ArrayFeatureExtractor") else ""
    container.add_node(
        kind,
        inputs,
        [name],
        op_domain=domain,
        op_version=2 if kind == "LabelEncoder" else None,
        name=scope.get_unique_operator_name(kind),
        **options,
    )
    return str(name)


def constant(scope: Any, container: Any, kind: int, shape: list[int], values: Any) -> str:
    """Write a constant and give its name."""
    name = scope.get_unique_variable_name("constant")
    container.add_initializer(name, kind, shape, values)
    return str(name)

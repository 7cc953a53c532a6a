"""The ONNX nodes of a threshold per group: probabilities are stretched as the estimator does it."""

from __future__ import annotations

from functools import partial, reduce
from typing import Any

import numpy as np
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.exceptions import MissingConverter
from skl2onnx.proto import onnx_proto

from fivefold.deploy.nodes import constant, node
from fivefold.groupthresholds import GroupThresholds

__all__ = ["convert_group_thresholds"]

_FLOAT = onnx_proto.TensorProto.FLOAT
_INT64 = onnx_proto.TensorProto.INT64
_STRING = onnx_proto.TensorProto.STRING


def convert_group_thresholds(scope: Any, operator: Any, container: Any) -> None:
    """Write the estimator's own nodes, then the stretch and the label."""
    model: GroupThresholds = operator.raw_operator
    write = partial(node, scope, container)
    positive = _probability(scope, operator, container, model)
    at = _thresholds(scope, operator, container, model)
    half, one = (constant(scope, container, _FLOAT, [1], [value]) for value in (0.5, 1.0))
    below = write("Mul", [positive, write("Div", [half, at])])
    stretch = write("Div", [half, write("Sub", [one, at])])
    past = write("Mul", [write("Sub", [positive, at]), stretch])
    above = write("Add", [half, past])
    shifted = write("Where", [write("Less", [positive, at]), below, above])
    rest = write("Sub", [one, shifted])
    write("Concat", [rest, shifted], operator.outputs[1].full_name, axis=1)
    reached = write("Cast", [write("GreaterOrEqual", [shifted, half])], to=_INT64)
    flat = write("Reshape", [reached, constant(scope, container, _INT64, [1], [-1])])
    strings = model.classes_.dtype.kind in "OUS"
    values = [str(v).encode() if strings else int(v) for v in model.classes_]
    known = constant(scope, container, _STRING if strings else _INT64, [2], values)
    write("Gather", [known, flat], operator.outputs[0].full_name, axis=0)


def _width(operator: Any, model: GroupThresholds) -> int:
    return int(operator.inputs[0].type.shape[1]) - int(model.group_values.shape[1])


def _probability(scope: Any, operator: Any, container: Any, model: GroupThresholds) -> str:
    """Let the inner estimator's own converter score the features; give shape (n_rows, 1)."""
    own, width, given = model.estimator_, _width(operator, model), operator.inputs[0]
    alias = sklearn_operator_name_map.get(type(own))
    if alias is None:
        raise MissingConverter(f"{type(own).__module__}.{type(own).__qualname__}")
    features = scope.declare_local_variable(
        "features", FloatTensorType([given.get_first_dimension(), width])
    )
    places = constant(scope, container, _INT64, [width], list(range(width)))
    node(scope, container, "Gather", [given.full_name, places], features.full_name, axis=1)
    declared = scope.declare_local_operator(alias, own)
    declared.inputs.append(features)
    declared.outputs.append(scope.declare_local_variable("own_label", operator.outputs[0].type))
    scores = scope.declare_local_variable("own_probabilities", FloatTensorType([None, 2]))
    declared.outputs.append(scores)
    second = constant(scope, container, _INT64, [1], [1])
    return node(scope, container, "Gather", [scores.full_name, second], axis=1)


def _thresholds(scope: Any, operator: Any, container: Any, model: GroupThresholds) -> str:
    """Give each row's threshold, shape (n_rows, 1)."""
    write = partial(node, scope, container)
    given, width = operator.inputs[0].full_name, _width(operator, model)

    def number(value: float) -> str:
        return constant(scope, container, _FLOAT, [1, 1], [float(value)])

    columns = [
        write("Gather", [given, constant(scope, container, _INT64, [1], [width + index])], axis=1)
        for index in range(model.group_values.shape[1])
    ]
    found = number(model.default)
    for values, threshold in zip(model.group_values, model.thresholds, strict=True):
        # What is missing equals nothing, here and in the estimator.
        if np.isnan(values).any():
            continue
        same = [
            write("Equal", [column, number(value)])
            for column, value in zip(columns, values, strict=True)
        ]
        mask = reduce(lambda one, other: write("And", [one, other]), same)
        found = write("Where", [mask, number(threshold), found])
    return found

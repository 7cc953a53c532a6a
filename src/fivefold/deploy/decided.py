"""The ONNX nodes of :class:`fivefold.decided.Decided`: calibration curves and a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from skl2onnx._parse import _get_sklearn_operator_name
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.proto import onnx_proto

from fivefold.decided import HIGHEST, LOWEST, Decided
from fivefold.deploy.nodes import constant, node

__all__ = ["convert_decided"]

_FLOAT = onnx_proto.TensorProto.FLOAT
_INT64 = onnx_proto.TensorProto.INT64
_STRING = onnx_proto.TensorProto.STRING


def convert_decided(scope: Any, operator: Any, container: Any) -> None:
    """Write the estimator's own nodes, then the curves and the label."""
    model: Decided = operator.raw_operator
    given = _own_scores(scope, operator, container, model)
    probabilities = operator.outputs[1].full_name
    if model.method == "none" or model.curves is None:
        node(scope, container, "Identity", [given], probabilities)
    else:
        _calibrated(scope, container, model, given, probabilities)
    _label(scope, container, model, probabilities, operator.outputs[0].full_name)


def _own_scores(scope: Any, operator: Any, container: Any, model: Decided) -> str:
    """Declare the estimator inside, which skl2onnx converts by itself, and name its scores."""
    own = model.estimator
    if not hasattr(own, "predict_proba"):
        for options_of in (scope, container):
            options_of.add_options(id(own), {"raw_scores": True})
    declared = scope.declare_local_operator(_get_sklearn_operator_name(type(own)), own)
    declared.inputs = operator.inputs
    label = scope.declare_local_variable("own_label", operator.outputs[0].type)
    size = len(model.classes_)
    scores = scope.declare_local_variable("own_scores", FloatTensorType([None, size]))
    declared.outputs.append(label)
    declared.outputs.append(scores)
    return str(scores.onnx_name)


def _calibrated(scope: Any, container: Any, model: Decided, given: str, output: str) -> None:
    size = len(model.classes_)
    curves = list(model.curves or [])
    # Decision values of two classes have one column or two; the positive one's is the last.
    columns = [-1] if size == 2 else list(range(size))
    odds = hasattr(model.estimator, "predict_proba")
    each = []
    for index, curve in zip(columns, curves, strict=True):
        place = constant(scope, container, _INT64, [1], [index])
        column = node(scope, container, "Gather", [given, place], axis=1)
        if model.method == "isotonic":
            each.append(_isotonic(scope, container, column, curve))
        else:
            value = _log_odds(scope, container, column) if odds else column
            each.append(_sigmoid(scope, container, value, curve))
    one = constant(scope, container, _FLOAT, [1], [1.0])
    if size == 2:
        rest = node(scope, container, "Sub", [one, each[0]])
        node(scope, container, "Concat", [rest, each[0]], output, axis=1)
        return
    joined = node(scope, container, "Concat", each, axis=1)
    axis = constant(scope, container, _INT64, [1], [1])
    total = node(scope, container, "ReduceSum", [joined, axis], keepdims=1)
    zero = constant(scope, container, _FLOAT, [1], [0.0])
    some = node(scope, container, "Greater", [total, zero])
    divisor = node(scope, container, "Where", [some, total, one])
    shared = node(scope, container, "Div", [joined, divisor])
    even = constant(scope, container, _FLOAT, [1, size], [1 / size] * size)
    node(scope, container, "Where", [some, shared, even], output)


def _log_odds(scope: Any, container: Any, column: str) -> str:
    low = constant(scope, container, _FLOAT, [], [LOWEST])
    high = constant(scope, container, _FLOAT, [], [HIGHEST])
    one = constant(scope, container, _FLOAT, [1], [1.0])
    clipped = node(scope, container, "Clip", [column, low, high])
    rest = node(scope, container, "Sub", [one, clipped])
    return node(scope, container, "Log", [node(scope, container, "Div", [clipped, rest])])


def _sigmoid(scope: Any, container: Any, value: str, curve: NDArray[np.float64]) -> str:
    slope = constant(scope, container, _FLOAT, [1], [float(curve[0])])
    intercept = constant(scope, container, _FLOAT, [1], [float(curve[1])])
    scaled = node(scope, container, "Mul", [value, slope])
    return node(scope, container, "Sigmoid", [node(scope, container, "Add", [scaled, intercept])])


def _isotonic(scope: Any, container: Any, column: str, curve: NDArray[np.float64]) -> str:
    """Write straight lines as a sum of ramps, each from 0 to 1 between two points."""
    x, y = curve
    across, up = np.diff(x), np.diff(y)
    rising = (across > 0) & (up > 0)
    first = constant(scope, container, _FLOAT, [1], [float(y[0])])
    if not rising.any():
        zero = constant(scope, container, _FLOAT, [1], [0.0])
        flat = node(scope, container, "Mul", [column, zero])
        return node(scope, container, "Add", [flat, first])
    n = int(rising.sum())
    starts = constant(scope, container, _FLOAT, [1, n], x[:-1][rising].tolist())
    widths = constant(scope, container, _FLOAT, [1, n], across[rising].tolist())
    heights = constant(scope, container, _FLOAT, [n, 1], up[rising].tolist())
    low = constant(scope, container, _FLOAT, [], [0.0])
    high = constant(scope, container, _FLOAT, [], [1.0])
    past = node(scope, container, "Sub", [column, starts])
    share = node(scope, container, "Div", [past, widths])
    ramps = node(scope, container, "Clip", [share, low, high])
    return node(
        scope, container, "Add", [node(scope, container, "MatMul", [ramps, heights]), first]
    )


def _label(scope: Any, container: Any, model: Decided, probabilities: str, output: str) -> None:
    classes = model.classes_
    strings = classes.dtype.kind in "OUS"
    values = [str(item).encode() for item in classes] if strings else [int(v) for v in classes]
    known = constant(scope, container, _STRING if strings else _INT64, [len(classes)], values)
    if model.threshold is not None and len(classes) == 2:
        place = constant(scope, container, _INT64, [], [1])
        positive = node(scope, container, "Gather", [probabilities, place], axis=1)
        limit = constant(scope, container, _FLOAT, [1], [float(model.threshold)])
        reached = node(scope, container, "GreaterOrEqual", [positive, limit])
        chosen = node(scope, container, "Cast", [reached], to=_INT64)
    else:
        chosen = node(scope, container, "ArgMax", [probabilities], axis=1, keepdims=0)
    node(scope, container, "Gather", [known, chosen], output, axis=0)

"""Converters that skl2onnx lacks, or that it has but that differ from scikit-learn on our tables.

Each writes the nodes of one fitted transformer or estimator into the graph, with operators of the
standard only.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from skl2onnx import update_registered_converter
from skl2onnx.common._registration import get_converter, get_shape_calculator
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from skl2onnx.proto import onnx_proto
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from fivefold.decided import Decided
from fivefold.deploy.decided import convert_decided
from fivefold.deploy.group_thresholds import convert_group_thresholds
from fivefold.deploy.nodes import constant, node
from fivefold.estimator import Float32Cast
from fivefold.groupthresholds import GroupThresholds

__all__ = ["register", "register_boosting"]

_FLOAT = onnx_proto.TensorProto.FLOAT
_INT64 = onnx_proto.TensorProto.INT64

# A category that no table has, to ask a fitted encoder what it makes of an unknown one.
_UNSEEN = "\x00unseen"


@functools.cache
def register() -> None:
    """Tell skl2onnx of the converters here; once per process."""
    for cls, alias, shape, convert in (
        (Float32Cast, "FivefoldFloat32Cast", _same_width, _float32_cast),
        (DummyClassifier, "FivefoldDummyClassifier", _classifier_shape, _dummy_classifier),
        (DummyRegressor, "FivefoldDummyRegressor", _regressor_shape, _dummy_regressor),
        (Decided, "FivefoldDecided", _classifier_shape, convert_decided),
        (GroupThresholds, "FivefoldGroupThresholds", _classifier_shape, convert_group_thresholds),
    ):
        classifier = cls in (DummyClassifier, Decided, GroupThresholds)
        options = {"zipmap": [True, False]} if classifier else None
        update_registered_converter(cls, alias, shape, convert, options=options)
    for cls, alias, applies, shape, convert in (
        (OneHotEncoder, "SklearnOneHotEncoder", _all_strings, _encoded_shape, _one_hot),
        (OrdinalEncoder, "SklearnOrdinalEncoder", _all_strings, _encoded_shape, _ordinal),
        (SimpleImputer, "SklearnSimpleImputer", _adds_indicator, _imputed_shape, _imputer),
    ):
        # Where ours does not apply, theirs stays.
        update_registered_converter(
            cls,
            alias,
            _either(applies, shape, get_shape_calculator(alias)),
            _either(applies, convert, get_converter(alias)),
            overwrite=True,
        )


def register_boosting(module: str) -> None:
    """Tell skl2onnx of the converters of xgboost or lightgbm, which onnxmltools has.

    Parameters
    ----------
    module : {"xgboost", "lightgbm"}
        The estimator's package.

    Raises
    ------
    ImportError
        onnxmltools is not installed.
    """
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    room, function, prefix = {
        "xgboost": ("xgboost.operator_converters.XGBoost", "convert_xgboost", "XGB"),
        "lightgbm": ("lightgbm.operator_converters.LightGbm", "convert_lightgbm", "LGBM"),
    }[module]
    convert = getattr(importlib.import_module(f"onnxmltools.convert.{room}"), function)
    library = importlib.import_module(module)
    update_registered_converter(
        getattr(library, f"{prefix}Classifier"),
        f"Fivefold{prefix}Classifier",
        calculate_linear_classifier_output_shapes,
        convert,
        options={"nocl": [True, False], "zipmap": [True, False]},
        overwrite=True,
    )
    update_registered_converter(
        getattr(library, f"{prefix}Regressor"),
        f"Fivefold{prefix}Regressor",
        calculate_linear_regressor_output_shapes,
        convert,
        options={"split": None} if module == "lightgbm" else None,
        overwrite=True,
    )


def _either(
    applies: Callable[[Any], bool], ours: Callable[..., Any], theirs: Callable[..., Any]
) -> Callable[..., Any]:
    # skl2onnx reads the argument names of converters and of shape calculators.
    if ours in (_encoded_shape, _imputed_shape):

        def shape(operator: Any) -> Any:
            return ours(operator) if applies(operator) else theirs(operator)

        return shape

    def convert(scope: Any, operator: Any, container: Any) -> Any:
        chosen = ours if applies(operator) else theirs
        return chosen(scope, operator, container)

    return convert


def _rows(operator: Any) -> Any:
    return operator.inputs[0].get_first_dimension()


def _width(operator: Any) -> int:
    return sum(item.type.shape[1] for item in operator.inputs)


def _joined(scope: Any, operator: Any, container: Any) -> str:
    """Give the name of one tensor that holds all inputs side by side."""
    names = [item.full_name for item in operator.inputs]
    if len(names) == 1:
        return str(names[0])
    return node(scope, container, "Concat", names, axis=1)


def _same_width(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([_rows(operator), _width(operator)])


def _float32_cast(scope: Any, operator: Any, container: Any) -> None:
    joined = _joined(scope, operator, container)
    node(scope, container, "Cast", [joined], operator.outputs[0].full_name, to=_FLOAT)


def _classifier_shape(operator: Any) -> None:
    classes = operator.raw_operator.classes_
    strings = classes.dtype.kind in "OUS"
    label = StringTensorType if strings else Int64TensorType
    operator.outputs[0].type = label([_rows(operator)])
    operator.outputs[1].type = FloatTensorType([_rows(operator), len(classes)])


def _regressor_shape(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([_rows(operator), 1])


def _dummy_classifier(scope: Any, operator: Any, container: Any) -> None:
    model = operator.raw_operator
    if model.strategy not in ("prior", "most_frequent", "constant"):
        raise NotImplementedError(f"strategy={model.strategy!r} draws at random")
    # What is constant is asked of the model itself.
    row = np.zeros((1, model.n_features_in_))
    label, probabilities = model.predict(row), model.predict_proba(row)
    strings = label.dtype.kind in "OUS"
    _repeated(
        scope,
        operator,
        container,
        output=operator.outputs[0].full_name,
        kind=onnx_proto.TensorProto.STRING if strings else _INT64,
        values=[str(label[0]).encode()] if strings else [int(label[0])],
        flat=True,
    )
    _repeated(
        scope,
        operator,
        container,
        output=operator.outputs[1].full_name,
        kind=_FLOAT,
        values=probabilities.ravel().tolist(),
    )


def _dummy_regressor(scope: Any, operator: Any, container: Any) -> None:
    _repeated(
        scope,
        operator,
        container,
        output=operator.outputs[0].full_name,
        kind=_FLOAT,
        values=np.ravel(operator.raw_operator.constant_).tolist(),
    )


def _repeated(
    scope: Any,
    operator: Any,
    container: Any,
    *,
    output: str,
    kind: int,
    values: list[Any],
    flat: bool = False,
) -> None:
    """Write a constant once per row of the input."""
    shape = [1] if flat else [1, len(values)]
    values_once = constant(scope, container, kind, shape, values)
    size = node(scope, container, "Shape", [operator.inputs[0].full_name], start=0, end=1)
    if not flat:
        one = constant(scope, container, _INT64, [1], [1])
        size = node(scope, container, "Concat", [size, one], axis=0)
    node(scope, container, "Tile", [values_once, size], output)


def _all_strings(operator: Any) -> bool:
    return all(isinstance(item.type, StringTensorType) for item in operator.inputs)


def _encoded_shape(operator: Any) -> None:
    width = len(operator.raw_operator.get_feature_names_out())
    operator.outputs[0].type = FloatTensorType([_rows(operator), width])


def _one_hot(scope: Any, operator: Any, container: Any) -> None:
    """One-hot encode strings; rare and unknown ones go where scikit-learn puts them.

    skl2onnx's own converter stops the whole scoring at an unknown category with
    ``handle_unknown="infrequent_if_exist"``.
    """
    blocks = []
    for column, codes, default, width in _one_hot_codes(operator.raw_operator):
        index = _looked_up(scope, operator, container, column, codes, default, "int64s")
        places = constant(scope, container, _INT64, [1, width], list(range(width)))
        hot = node(scope, container, "Equal", [index, places])
        blocks.append(node(scope, container, "Cast", [hot], to=_FLOAT))
    node(scope, container, "Concat", blocks, operator.outputs[0].full_name, axis=1)


def _one_hot_codes(encoder: Any) -> list[tuple[int, dict[str, int], int, int]]:
    """Ask the encoder which place of its block each category lights; the width if none."""
    widths = [int(width) for width in encoder._n_features_outs]
    starts = np.concatenate([[0], np.cumsum(widths)])
    codes = []
    for column, categories in enumerate(encoder.categories_):
        if not widths[column]:
            continue
        block = slice(int(starts[column]), int(starts[column + 1]))
        lit = _asked(encoder, column)[:, block]
        places = np.where(lit.any(axis=1), lit.argmax(axis=1), widths[column]).tolist()
        known = dict(zip(map(str, categories), places, strict=False))
        codes.append((column, known, places[-1], widths[column]))
    return codes


def _ordinal(scope: Any, operator: Any, container: Any) -> None:
    """Encode strings as numbers; rare and unknown ones as scikit-learn does."""
    encoder = operator.raw_operator
    columns = []
    for column, categories in enumerate(encoder.categories_):
        codes = _asked(encoder, column)[:, column].tolist()
        known = dict(zip(map(str, categories), codes, strict=False))
        columns.append(_looked_up(scope, operator, container, column, known, codes[-1], "floats"))
    node(scope, container, "Concat", columns, operator.outputs[0].full_name, axis=1)


def _asked(encoder: Any, column: int) -> Any:
    """Transform every category of one column and, last, an unknown one; dense."""
    categories = encoder.categories_
    names = [*categories[column], _UNSEEN]
    table = np.empty((len(names), len(categories)), dtype=object)
    table[:] = [values[0] for values in categories]
    table[:, column] = names
    if encoder.handle_unknown == "error":
        # The pipeline itself stops at an unknown category; there is nothing to agree with.
        table[-1, column] = names[0]
    return _quietly(encoder, table)


def _quietly(encoder: Any, table: Any) -> Any:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = encoder.transform(table)
    return result.toarray() if hasattr(result, "toarray") else np.asarray(result)


def _looked_up(
    scope: Any,
    operator: Any,
    container: Any,
    column: int,
    codes: dict[str, Any],
    default: Any,
    kind: str,
) -> str:
    """Replace the strings of one column by their codes, shape (n_rows, 1)."""
    source = _column(scope, operator, container, column)
    return node(
        scope,
        container,
        "LabelEncoder",
        [source],
        keys_strings=[key.encode() for key in codes],
        **{f"values_{kind}": list(codes.values()), f"default_{kind[:-1]}": default},
    )


def _column(scope: Any, operator: Any, container: Any, column: int) -> str:
    for item in operator.inputs:
        width = item.type.shape[1]
        if column < width:
            if width == 1:
                return str(item.full_name)
            index = constant(scope, container, _INT64, [1], [column])
            return node(scope, container, "Gather", [item.full_name, index], axis=1)
        column -= width
    raise RuntimeError("the encoder has more columns than inputs")


def _adds_indicator(operator: Any) -> bool:
    model = operator.raw_operator
    numbers = isinstance(operator.inputs[0].type, FloatTensorType)
    missing = model.missing_values
    nan = isinstance(missing, float) and np.isnan(missing)
    kept = (
        len(model.statistics_) == _width(operator)
        and not np.isnan(np.asarray(model.statistics_, dtype=float)).any()
        if numbers
        else False
    )
    return bool(model.add_indicator and nan and kept)


def _imputed_shape(operator: Any) -> None:
    indicated = len(operator.raw_operator.indicator_.features_)
    operator.outputs[0].type = FloatTensorType([_rows(operator), _width(operator) + indicated])


def _imputer(scope: Any, operator: Any, container: Any) -> None:
    """Fill missing numbers, and mark in columns of their own where they were."""
    model = operator.raw_operator
    joined = _joined(scope, operator, container)
    missing = node(scope, container, "IsNaN", [joined])
    values = np.asarray(model.statistics_, dtype=np.float32)
    statistics = constant(scope, container, _FLOAT, [1, len(values)], values.tolist())
    filled = node(scope, container, "Where", [missing, statistics, joined])
    features = model.indicator_.features_.tolist()
    which = constant(scope, container, _INT64, [len(features)], features)
    marked = node(scope, container, "Gather", [missing, which], axis=1)
    marks = node(scope, container, "Cast", [marked], to=_FLOAT)
    node(scope, container, "Concat", [filled, marks], operator.outputs[0].full_name, axis=1)

"""From a table and its schema to what an estimator sees: the features and the target.

Training, export and monitoring all build their features here, so that the estimator, its ONNX twin
and the drift report look at the same numbers and the same strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fivefold.errors import DataError, SchemaError
from fivefold.table import require_columns, to_arrow

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from fivefold.objective import Objective
    from fivefold.table import TableSchema

__all__ = ["MISSING_CATEGORY", "feature_frame", "target_array"]

# ONNX has no missing string, so a missing category is a category of its own on both sides.
MISSING_CATEGORY = ""

_FLOAT32_MAX = float(np.finfo(np.float32).max)


def feature_frame(frame: nw.LazyFrame[Any], schema: TableSchema) -> pd.DataFrame:
    """Give the schema's features as a pandas frame, in the schema's order.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        A table with at least the schema's features; shape (n_rows, n_columns).
    schema : TableSchema
        Names the features and their types.

    Returns
    -------
    pandas.DataFrame
        Shape (n_rows, n_features). Numbers and booleans are float64, missing is NaN; strings are
        of dtype object, missing is the empty string.

    Raises
    ------
    SchemaError
        There is no feature, or one of a type that no estimator takes.
    DataError
        A feature is absent, is not of the schema's type, or is too large for a 32-bit float.
    """
    import pandas as pd

    names = schema.features
    if not names:
        raise SchemaError(
            "no column has the role feature",
            where="validate.columns",
            got=", ".join(f"{n}: {c.role}" for n, c in schema.columns.items()) or "no columns",
            hint="give role: feature to what is known when the prediction is made",
        )
    require_columns(frame, names, where="features")
    table = to_arrow(frame.select(*names))
    columns: dict[str, pd.Series[Any]] = {}
    for name in names:
        dtype = schema.columns[name].dtype
        if dtype == "string":
            columns[name] = pd.Series(_strings(table[name], name), dtype=object)
        elif dtype in ("integer", "number", "boolean"):
            columns[name] = pd.Series(_numbers(table[name], name))
        else:
            raise SchemaError(
                f"a {dtype} can't be a feature as it is",
                where=f"validate.columns.{name}",
                got=dtype,
                allowed=("integer", "number", "boolean", "string"),
                hint="give it the role time, identifier or ignored, and derive numbers from it "
                "(hour, weekday) in clean.steps",
            )
    return pd.DataFrame(columns, columns=pd.Index(names))


def target_array(
    frame: nw.LazyFrame[Any], schema: TableSchema, objective: Objective, *, min_classes: int = 2
) -> NDArray[Any]:
    """Give the target, its classes kept as they are.

    Parameters
    ----------
    frame : narwhals.LazyFrame
        A table with the target column.
    schema : TableSchema
        Names the target.
    objective : Objective
        Its task says whether classes or numbers are predicted.
    min_classes : int, default 2
        The fewest classes that will do; 1 for a part that is only scored.

    Returns
    -------
    numpy.ndarray
        Shape (n_rows,): float64 for regression, else bool, int64, float64 or object (strings).

    Raises
    ------
    DataError
        The target is absent, missing in some rows, not finite, or has a number of classes that
        does not fit the task.
    """
    name = schema.target
    require_columns(frame, [name], where="target")
    column = to_arrow(frame.select(name))[name]
    if pa.types.is_floating(column.type):
        missing = pc.sum(pc.is_null(column, nan_is_null=True)).as_py() or 0
    else:
        missing = column.null_count
    if missing:
        raise DataError(
            f"the target is missing in {missing:,} of {len(column):,} rows",
            where=name,
            hint="drop rows without a label in clean.steps: "
            "fivefold.data.cleaning.drop_missing with this column",
        )
    if not len(column):
        raise DataError("the table has no rows", where=name, hint="look at the split's sizes")
    if objective.task == "regression":
        return _numbers(column, name)
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values: NDArray[Any] = np.array(column.to_numpy())
    else:
        values = _strings(column, name)
    _check_classes(values, name, objective, min_classes)
    return values


def _check_classes(values: NDArray[Any], name: str, objective: Objective, min_classes: int) -> None:
    classes = np.unique(values)
    most = 2 if objective.task == "binary" else len(values)
    if min_classes <= len(classes) <= most:
        return
    shown = ", ".join(str(item) for item in classes[:10].tolist())
    raise DataError(
        f"the target has {len(classes)} class{'' if len(classes) == 1 else 'es'}",
        where=name,
        got=f"{shown}{', …' if len(classes) > 10 else ''} in {len(values):,} rows",
        allowed="exactly 2 classes" if objective.task == "binary" else "2 classes or more",
        hint="set plan.task to multiclass or regression, or choose another target"
        if len(classes) > most
        else "look at the split: does each part hold every class?",
    )


def _numbers(column: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    try:
        # 64-bit integers beyond 2**53 lose digits here, as they would in any estimator.
        floats = pc.cast(column, pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise DataError(
            "the column does not hold numbers",
            where=name,
            got=str(column.type),
            allowed="integer, number or boolean",
            hint="set its dtype to string in conf/schema.yaml, or cast it in clean.steps",
        ) from None
    # A copy: Arrow's own memory may not be written to, and pandas wants to.
    values: NDArray[np.float64] = np.array(floats.to_numpy(), dtype=np.float64)
    beyond = np.abs(values) > _FLOAT32_MAX
    if beyond.any():
        raise DataError(
            f"{int(beyond.sum()):,} values are infinite or too large for a 32-bit float",
            where=name,
            got=str(values[beyond][0]),
            allowed=f"at most {_FLOAT32_MAX:.3g} in size, or missing",
            hint="replace them in clean.steps",
        )
    return values


def _strings(column: pa.ChunkedArray, name: str) -> NDArray[Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    ):
        raise DataError(
            "the column does not hold strings",
            where=name,
            got=str(column.type),
            allowed="string",
            hint="set its dtype in conf/schema.yaml to what it holds",
        )
    filled = pc.fill_null(column.cast(pa.string()), MISSING_CATEGORY)
    encoded = filled.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    # One Python string per category, not per row: a million rows cost their indices only.
    categories = np.array([*encoded.dictionary.to_pylist(), MISSING_CATEGORY], dtype=object)
    values: NDArray[Any] = categories[:-1][encoded.indices.to_numpy(zero_copy_only=False)]
    return values

"""What a fitted pipeline is, in plain values that equal pipelines have equal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from fivefold.decided import inner
from fivefold.model.preprocessing import MODEL_STEP
from fivefold.table import TableSchema

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["constant_features", "described", "dotted", "plain"]


def described(
    pipeline: Pipeline, name: str, schema: TableSchema, y: NDArray[Any], *, selected: bool
) -> dict[str, Any]:
    """Describe a fitted pipeline for ``reports/train.json``."""
    model = inner(pipeline[-1])
    columns = pipeline["features"]
    classes = getattr(model, "classes_", None)
    return {
        "model": name,
        "selected": selected,
        "estimator": dotted(model),
        "params": plain(model.get_params(deep=False)),
        "rows": len(y),
        "features": {feature: schema.columns[feature].dtype for feature in schema.features},
        "columns": len(columns.get_feature_names_out()),
        "classes": None
        if classes is None
        else [{"class": plain(value), "rows": int((y == value).sum())} for value in classes],
        "steps": [key for key, _ in pipeline.steps if key != MODEL_STEP] + [MODEL_STEP],
    }


def constant_features(features: pd.DataFrame) -> list[str]:
    """Name the features of one value, missing ones counted as a value: they tell nothing."""
    return [str(name) for name in features.columns if features[name].nunique(dropna=False) <= 1]


def dotted(value: Any) -> str:
    """Give the dotted name of an object's class."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def plain(value: Any) -> Any:
    """Turn a parameter into JSON's types; an object becomes its class's name."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return dotted(value)

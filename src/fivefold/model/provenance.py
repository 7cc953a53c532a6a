"""Where a fitted model comes from and what it takes and gives: kept beside it."""

from __future__ import annotations

import hashlib
import sys
from importlib import metadata
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

from fivefold.decided import inner
from fivefold.model.described import plain
from fivefold.model.fitting import Rows
from fivefold.model.hashing import add_array, add_frame
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["provenance"]

_LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "skops")


def provenance(
    pipeline: Pipeline, rows: Rows, schema: TableSchema, objective: Objective, code: str
) -> dict[str, Any]:
    """Give what a reader needs to use a kept model and to trace it.

    Returns
    -------
    dict
        ``types`` that skops has to be told to trust, ``input`` and ``output`` of the pipeline,
        ``environment``, ``data_sha256`` of the features, the target and the weights, and ``code``.
    """
    digest = hashlib.sha256()
    add_frame(digest, rows.features)
    add_array(digest, rows.y)
    if rows.weights is not None:
        add_array(digest, rows.weights)
    return {
        "types": _types(pipeline),
        "input": [_input(name, schema) for name in schema.features],
        "output": _output(pipeline, objective),
        "environment": _environment(pipeline),
        "data_sha256": digest.hexdigest(),
        "code": code,
    }


def _types(pipeline: Pipeline) -> list[str]:
    try:
        return sorted(skops.io.get_untrusted_types(data=skops.io.dumps(pipeline)))
    except Exception:  # noqa: BLE001 - what can't be kept is refused where it is written
        return []


def _input(name: str, schema: TableSchema) -> dict[str, Any]:
    column = schema.columns[name]
    known = {"name": name, "dtype": column.dtype, "nullable": column.nullable}
    return {**known, "unit": column.unit} if column.unit else known


def _output(pipeline: Pipeline, objective: Objective) -> dict[str, Any]:
    if not objective.is_classification:
        return {"name": objective.target, "kind": "value"}
    return {
        "name": objective.target,
        "kind": "class",
        "classes": [plain(value) for value in pipeline[-1].classes_],
        "scores": "probabilities"
        if hasattr(pipeline[-1], "predict_proba")
        else "decisions"
        if hasattr(pipeline[-1], "decision_function")
        else "none",
    }


def _environment(pipeline: Pipeline) -> dict[str, str]:
    own = type(inner(pipeline[-1])).__module__.partition(".")[0]
    names = [*_LIBRARIES, *([own] if own in ("lightgbm", "xgboost") else [])]
    versions = {name: metadata.version(name) for name in names}
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", **versions}

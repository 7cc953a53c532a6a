"""Where a fitted model comes from and what it takes and gives: kept beside it."""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from importlib import metadata
from typing import Any

import skops.io
from sklearn.pipeline import Pipeline

from fivefold.decided import inner
from fivefold.features import MISSING_CATEGORY
from fivefold.model.described import plain
from fivefold.model.fitting import Rows
from fivefold.model.hashing import add_array, add_frame
from fivefold.objective import Objective
from fivefold.table import TableSchema

__all__ = ["provenance"]

# Known categories that are listed; of more, their number alone tells.
_MOST = 200
_LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "skops")


def provenance(
    pipeline: Pipeline,
    rows: Rows,
    schema: TableSchema,
    objective: Objective,
    *,
    threshold: float | None,
    code: str,
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
        "input": [_input(name, schema, rows) for name in schema.features],
        "output": _output(pipeline, objective, threshold),
        "environment": _environment(pipeline),
        "data_sha256": digest.hexdigest(),
        "code": code,
    }


def _types(pipeline: Pipeline) -> list[str]:
    try:
        return sorted(skops.io.get_untrusted_types(data=skops.io.dumps(pipeline)))
    except Exception:  # noqa: BLE001 - what can't be kept is refused where it is written
        return []


def _input(name: str, schema: TableSchema, rows: Rows) -> dict[str, Any]:
    column = schema.columns[name]
    known: dict[str, Any] = {
        "name": name,
        "dtype": column.dtype,
        "nullable": column.nullable,
        "unit": column.unit or None,
    }
    if column.dtype != "string":
        return known
    categories = sorted(set(rows.features[name].unique()) - {MISSING_CATEGORY})
    return known | {"categories": categories[:_MOST], "n_categories": len(categories)}


def _output(pipeline: Pipeline, objective: Objective, threshold: float | None) -> dict[str, Any]:
    if not objective.is_classification:
        return {"name": objective.target, "kind": "value"}
    model, classes = pipeline[-1], [plain(value) for value in pipeline[-1].classes_]
    names = {"predict_proba": "probabilities", "decision_function": "decisions"}
    scores = next((said for method, said in names.items() if hasattr(model, method)), "none")
    columns = ["score"] if len(classes) == 2 else [f"score_{value}" for value in classes]
    return {
        "name": objective.target,
        "kind": "class",
        "classes": classes,
        "scores": scores,
        "columns": columns if scores != "none" else [],
        "threshold": threshold,
    }


def _environment(pipeline: Pipeline) -> dict[str, str]:
    own = type(inner(pipeline[-1])).__module__.partition(".")[0]
    versions = {name: metadata.version(name) for name in _LIBRARIES}
    # The estimator's own library, where it is one: a project's module has no version.
    if own not in ("fivefold", "sklearn"):
        with suppress(metadata.PackageNotFoundError):
            versions[own] = metadata.version(own)
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", **versions}

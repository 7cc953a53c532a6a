"""The proof: what the pipeline and its ONNX twin predict for the same rows, and why they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fivefold.deploy.conversion import converted, final_estimator, named
from fivefold.errors import FivefoldError
from fivefold.objective import Objective
from fivefold.onnxmodel import OnnxModel, decisions

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from fivefold.table import TableSchema

__all__ = ["Cause", "Parity", "cause_of", "compare"]

# Rows that a cause is looked for in: enough to see a pattern, few enough to predict often.
_MOST_ROWS = 2_000
_MOST_NAMES = 5


@dataclass(frozen=True)
class Parity:
    """The differences of two models on the same rows.

    Attributes
    ----------
    differences : ndarray of shape (n_rows,)
        Probabilities: the largest absolute difference over the classes. Values and decisions: the
        absolute difference over the larger of the pipeline's value and the spread (standard
        deviation) of its values, so that the target's unit does not matter. Labels alone: 1 where
        they differ. Infinite where only one of the two is a number.
    disagree : ndarray of shape (n_rows,)
        Where the predicted classes differ; nowhere for regression.
    """

    differences: NDArray[np.float64]
    disagree: NDArray[np.bool_]


@dataclass(frozen=True)
class Cause:
    """Why the two differ, and what to do."""

    words: str
    hint: str


def compare(estimator: Any, model: OnnxModel, X: pd.DataFrame) -> Parity:  # noqa: N803
    """Predict with both, and measure how far they are apart.

    Parameters
    ----------
    estimator : object
        The fitted pipeline.
    model : OnnxModel
        Its twin.
    X : DataFrame of shape (n_rows, n_features)
        The features.
    """
    outputs = model.run(X)
    if model.classes_ is None:
        value = np.asarray(estimator.predict(X), dtype=np.float64).reshape(-1)
        other = outputs[0].astype(np.float64).reshape(-1)
        return Parity(_relative(value, other), np.zeros(len(value), dtype=bool))
    disagree = np.asarray(estimator.predict(X)) != model.labels(outputs[0])
    if model.scores == "probabilities":
        score = np.asarray(estimator.predict_proba(X), dtype=np.float64)
        return Parity(_apart(score, outputs[1].astype(np.float64)).max(axis=1), disagree)
    if hasattr(estimator, "decision_function"):
        score = np.asarray(estimator.decision_function(X), dtype=np.float64)
        other = decisions(outputs[1]).astype(np.float64)
        return Parity(_relative(score, other.reshape(score.shape)), disagree)
    return Parity(disagree.astype(np.float64), disagree)


def _apart(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        far: NDArray[np.float64] = np.abs(first - second)
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return np.where(same, 0.0, np.where(np.isnan(far), np.inf, far))


def _relative(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    finite = first[np.isfinite(first)]
    spread = float(finite.std()) if finite.size else 0.0
    scale = np.maximum(np.abs(first), spread)
    far = _apart(first, second) / np.where(scale > 0, scale, 1.0)
    return far if far.ndim == 1 else far.max(axis=1)


def cause_of(
    estimator: Any,
    model: OnnxModel,
    X: pd.DataFrame,  # noqa: N803
    schema: TableSchema,
    objective: Objective,
    *,
    tolerance: float,
    opset: int,
) -> Cause:
    """Find out why rows differ, by experiment.

    Parameters
    ----------
    X : DataFrame of shape (n_rows, n_features)
        The rows that differ by more than the tolerance.
    """
    X = X.iloc[:_MOST_ROWS]  # noqa: N806
    final = named(final_estimator(estimator))
    rounded = X.copy()
    for name in schema.numeric_features:
        rounded[name] = X[name].to_numpy().astype(np.float32).astype(np.float64)
    if (compare(estimator, model, rounded).differences <= tolerance).all():
        return _rounding(estimator, model, X, rounded, schema, tolerance)
    step = _differing_step(estimator, X, schema, objective, opset)
    if step is not None:
        return Cause(
            f"the preprocessing already differs, in {step}",
            "choose another preprocessing step in conf/, or another setting of it",
        )
    numbers = X[schema.numeric_features].to_numpy(dtype=np.float64)
    if numbers.size and np.isnan(numbers).any(axis=1).all():
        return Cause(
            f"every row that differs has a missing number, and the ONNX twin of {final} does not "
            "treat those as it does",
            "fill missing numbers before the estimator (sklearn.impute.SimpleImputer)",
        )
    return Cause(
        f"the preprocessing agrees, the estimator {final} does not",
        "choose another estimator in conf/; if you can live with the difference, raise "
        "export.tolerance or export.max_rows_beyond",
    )


def _rounding(
    estimator: Any,
    model: OnnxModel,
    X: pd.DataFrame,  # noqa: N803
    rounded: pd.DataFrame,
    schema: TableSchema,
    tolerance: float,
) -> Cause:
    """Name the features that alone, rounded to 32 bits, bring rows together."""
    counts: dict[str, int] = {}
    for name in schema.numeric_features:
        mixed = X.copy()
        mixed[name] = rounded[name]
        healed = int((compare(estimator, model, mixed).differences <= tolerance).sum())
        if healed:
            counts[name] = healed
    order = sorted(counts, key=lambda name: (-counts[name], name))[:_MOST_NAMES]
    which = ", ".join(f"{name} ({counts[name]:,} rows)" for name in order) or "several together"
    return Cause(
        "the pipeline was fitted on 64-bit numbers, ONNX reads 32-bit ones, and these rows lie "
        f"next to a split threshold or lose digits that count; by feature: {which}",
        "put fivefold.estimator.Float32Cast before the estimator in the pipeline, so that both "
        "see the same numbers",
    )


def _differing_step(
    estimator: Any,
    X: pd.DataFrame,  # noqa: N803
    schema: TableSchema,
    objective: Objective,
    opset: int,
) -> str | None:
    """Name the transformed columns in which the preprocessing alone differs, or give None."""
    if not hasattr(estimator, "steps") or len(estimator.steps) < 2:
        return None
    before = estimator[:-1]
    # A transformer's output is a matrix of numbers, as a regression's is: same way out.
    values = Objective(objective.name, "regression", objective.target, "r2", ("r2",))
    try:
        twin = OnnxModel(converted(before, schema, values, opset))
        other = twin.run(X)[0].astype(np.float64)
    except FivefoldError:
        return None
    given = before.transform(X)
    first = np.asarray(given.toarray() if hasattr(given, "toarray") else given, dtype=np.float64)
    if first.shape != other.shape:
        return f"{first.shape[1]} columns instead of {other.shape[1]}"
    scale = np.maximum(np.abs(np.nan_to_num(first)), 1.0)
    # Numbers of 32 bits have seven digits; twice that rounding may add up.
    wrong = (_apart(first, other) / scale > 1e-6).sum(axis=0)
    if not wrong.any():
        return None
    names = list(before.get_feature_names_out())
    order = sorted(np.flatnonzero(wrong), key=lambda index: (-wrong[index], index))[:_MOST_NAMES]
    return ", ".join(f"{names[index]} ({int(wrong[index]):,} rows)" for index in order)

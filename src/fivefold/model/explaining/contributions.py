"""SHAP values: how each feature of a row moved its prediction away from the mean."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fivefold.errors import ModelError
from fivefold.features import MISSING_CATEGORY
from fivefold.model.explaining.probe import Floats, Probe

__all__ = ["INSTALL", "contributions", "is_installed"]

INSTALL = "pip install 'fivefold[explain]'"

# The sum and the prediction may differ by this share: estimators that count in 32 bits do.
_TOLERANCE = 1e-4


def is_installed() -> bool:
    """Tell whether the extra is there."""
    return importlib.util.find_spec("shap") is not None


def contributions(
    probe: Probe,
    features: pd.DataFrame,
    names: Sequence[Mapping[str, Any]],
    background: pd.DataFrame,
    *,
    permutations: int,
    seed: int,
) -> dict[str, Any]:
    """Take predictions apart.

    Parameters
    ----------
    probe : Probe
    features : pandas.DataFrame
        The rows.
    names : sequence of mapping
        ``key``, ``why`` and ``true`` of each row.
    background : pandas.DataFrame
        Training rows: a feature that is absent takes its value from them.
    permutations : int
        Orders in which features join, each there and back.
    seed : int

    Returns
    -------
    dict
        ``base``, the mean prediction of the background, per output; ``rows``: what ``names`` says,
        the ``output`` that is taken apart (of more than two classes the predicted one), its
        ``prediction``, ``base``, the ``values`` of the features, their ``contributions`` and how
        far these are off at most (``error``, one standard error).

    Raises
    ------
    ModelError
        Contributions and base don't add up to the prediction: the model gives the same rows
        different predictions.

    Notes
    -----
    Lundberg and Lee, *A Unified Approach to Interpreting Model Predictions*, NeurIPS 2017, by
    shap's PermutationExplainer on the raw features: a category is one feature, however many columns
    it becomes. Which model is inside doesn't matter.
    """
    coded = _Coded(pd.concat([features, background], ignore_index=True))
    given, base_rows = coded.numbers[: len(features)], coded.numbers[len(features) :]
    explained = _explained(probe, coded, given, base_rows, permutations, seed)
    values = _per_output(explained.values)
    errors = _per_output(explained.error_std) / np.sqrt(2 * permutations)
    base = np.atleast_2d(np.asarray(explained.base_values, dtype=np.float64))
    base = np.broadcast_to(base.reshape(len(features), -1), (len(features), values.shape[2]))
    output = probe.output(features)
    _require_sum(values.sum(axis=1), base, output)
    at = output.argmax(axis=1) if output.shape[1] > 1 else np.zeros(len(output), dtype=np.intp)
    told = []
    for row, name in enumerate(names):
        k = int(at[row])
        told.append(
            {
                **name,
                "output": probe.outputs[k],
                "prediction": float(output[row, k]),
                "base": float(base[row, k]),
                "values": {n: _plain(features[n].iloc[row]) for n in features.columns},
                "contributions": dict(
                    zip(features.columns, values[row, :, k].tolist(), strict=True)
                ),
                "error": float(errors[row, :, k].max()),
            }
        )
    return {"background": len(background), "permutations": permutations, "rows": told}


class _Coded:
    """A frame as numbers, and back: shap's maskers mix the rows of a matrix."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._columns = list(frame.columns)
        self._categories: dict[int, NDArray[Any]] = {}
        numbers = np.empty(frame.shape)
        for index, name in enumerate(self._columns):
            if frame[name].dtype == object:
                codes, categories = pd.factorize(frame[name], sort=True)
                self._categories[index] = np.asarray(categories, dtype=object)
                numbers[:, index] = codes
            else:
                numbers[:, index] = frame[name]
        self.numbers = numbers

    def frame(self, numbers: NDArray[Any]) -> pd.DataFrame:
        return pd.DataFrame(
            {
                name: self._categories[index][numbers[:, index].astype(np.intp)]
                if index in self._categories
                else numbers[:, index]
                for index, name in enumerate(self._columns)
            },
            columns=pd.Index(self._columns),
        )


def _explained(
    probe: Probe,
    coded: _Coded,
    given: NDArray[np.float64],
    background: NDArray[np.float64],
    permutations: int,
    seed: int,
) -> Any:
    with warnings.catch_warnings():
        # It imports what its own dependencies have deprecated.
        warnings.simplefilter("ignore")
        shap = _shap()
        # It draws from the global generator, which others may have seeded.
        state = np.random.get_state()
        try:
            explainer = shap.explainers.PermutationExplainer(
                lambda numbers: probe.output(coded.frame(numbers)),
                shap.maskers.Independent(background, max_samples=len(background)),
                seed=seed % 2**32,
            )
            evaluations = permutations * (2 * given.shape[1] + 1)
            return explainer(given, max_evals=evaluations, error_bounds=True, silent=True)
        finally:
            np.random.set_state(state)


def _shap() -> Any:
    """Import shap without its just-in-time compiler.

    Compiling its loops takes five seconds, and running them as they are a tenth of one: the model
    is what takes time.
    """
    config = importlib.import_module("numba").config
    before = config.DISABLE_JIT
    config.DISABLE_JIT = True
    try:
        return importlib.import_module("shap")
    finally:
        config.DISABLE_JIT = before


def _per_output(values: Any) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array if array.ndim == 3 else array[:, :, None]


def _require_sum(added: Floats, base: Floats, output: Floats) -> None:
    scale = max(float(np.abs(part).max()) for part in (added, base, output)) or 1.0
    off = float(np.abs(added + base - output).max()) / scale
    if off > _TOLERANCE:
        raise ModelError(
            "contributions and base don't add up to the prediction",
            where="explain",
            got=f"off by {off:.2g} of the largest of them",
            allowed=f"at most {_TOLERANCE:g}",
            hint="the model gives the same rows different predictions: fix its seed, or set "
            "explain.shap: never",
        )


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return None if value == MISSING_CATEGORY else value
    return float(value) if np.isfinite(value) else None

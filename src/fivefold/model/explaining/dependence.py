"""Partial dependence: the mean prediction along a feature's values, and single rows' curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fivefold.features import MISSING_CATEGORY
from fivefold.model.explaining.columns import is_missing
from fivefold.model.explaining.probe import Floats, Probe

if TYPE_CHECKING:
    from fivefold.table import TableSchema

__all__ = ["Grid", "along", "grid_of", "pair_of", "tried"]

# Rows times values that are put together at a time.
_CELLS = 100_000
_SPREAD = (0.1, 0.9)
# A pair is drawn on fewer rows and values: their number multiplies.
_PAIR_GRID, _PAIR_ROWS = 12, 200


@dataclass(frozen=True)
class Grid:
    """Values of a feature that are tried.

    Attributes
    ----------
    feature : str
    kind : {"number", "category"}
    values : list
        Rising numbers, or categories, the most frequent first.
    rows : list of int
        Training rows that lie nearest to each value, or hold it.
    missing : int
        Training rows in which it is missing.
    beyond : int
        Training rows of categories that are not tried.
    """

    feature: str
    kind: str
    values: list[Any]
    rows: list[int]
    missing: int
    beyond: int = 0


def grid_of(
    train: pd.DataFrame, feature: str, size: int, schema: TableSchema | None = None
) -> Grid:
    """Choose values of a feature, by quantiles of the training rows.

    Parameters
    ----------
    train : pandas.DataFrame
        The features of the training part.
    feature : str
    size : int
        At most so many.
    schema : TableSchema, optional
        Whole numbers are tried where it says integer.
    """
    values = train[feature]
    gone = is_missing(values)
    known = values[~gone]
    missing = int(gone.sum())
    if values.dtype == object:
        counts = known.value_counts()
        # Equal counts by name, whatever the order of the rows.
        order = sorted(counts.index, key=lambda name: (-counts[name], name))
        kept = order[:size]
        rows = [int(counts[name]) for name in kept]
        return Grid(feature, "category", kept, rows, missing, int(len(known) - sum(rows)))
    numbers = np.sort(known.to_numpy(dtype=np.float64))
    distinct = np.unique(numbers)
    if len(distinct) > size:
        picked = np.quantile(numbers, np.linspace(0, 1, size), method="nearest")
        distinct = np.unique(picked)
        if schema is not None and schema.columns[feature].dtype == "integer":
            distinct = np.unique(np.round(distinct))
    middles = (distinct[1:] + distinct[:-1]) / 2
    nearest = np.searchsorted(middles, numbers)
    counted = np.bincount(nearest, minlength=len(distinct))[: len(distinct)]
    return Grid(feature, "number", distinct.tolist(), counted.tolist(), missing)


def tried(probe: Probe, features: pd.DataFrame, feature: str, values: Sequence[Any]) -> Floats:
    """Predict each row with each value of a feature in place of its own.

    Returns
    -------
    ndarray of shape (n_rows, n_values, n_outputs)
    """
    n_rows = len(features)
    at_once = max(1, _CELLS // max(n_rows, 1))
    parts = []
    for start in range(0, len(values), at_once):
        some = list(values[start : start + at_once])
        stacked = features.iloc[np.tile(np.arange(n_rows), len(some))].reset_index(drop=True)
        stacked[feature] = np.repeat(_as(features[feature], some), n_rows)
        given = probe.output(stacked)
        parts.append(given.reshape(len(some), n_rows, -1))
    result: Floats = np.concatenate(parts).transpose(1, 0, 2)
    return result


def _as(column: pd.Series[Any], values: Sequence[Any]) -> NDArray[Any]:
    return np.array(values, dtype=object if column.dtype == object else np.float64)


def along(
    probe: Probe, features: pd.DataFrame, grid: Grid, curves: NDArray[np.intp]
) -> dict[str, Any]:
    """Average the prediction along a feature's values.

    Parameters
    ----------
    probe : Probe
    features : pandas.DataFrame
        The rows to average over.
    grid : Grid
        At least one value.
    curves : ndarray of int
        Positions of the rows whose own curve is kept; only of a model with one output.

    Returns
    -------
    dict
        ``values``, ``rows`` of training near each, ``mean`` per output, and for one output
        ``low`` and ``high``, between which four rows in five lie, and ``curves``; ``missing`` with
        its ``rows`` and ``mean``.

    Notes
    -----
    Friedman, *Greedy Function Approximation*, Annals of Statistics 29 (2001); single curves after
    Goldstein et al., *Peeking Inside the Black Box*, JCGS 24 (2015).
    """
    outputs = probe.outputs
    given = tried(probe, features, grid.feature, grid.values)
    found: dict[str, Any] = {
        "feature": grid.feature,
        "kind": grid.kind,
        "values": grid.values,
        "rows": grid.rows,
        "beyond": grid.beyond,
        "outputs": outputs,
        "mean": given.mean(axis=0).T.tolist(),
        "range": float(np.ptp(given.mean(axis=0), axis=0).max()),
    }
    if len(outputs) == 1:
        low, high = np.quantile(given[:, :, 0], _SPREAD, axis=0)
        found |= {"low": low.tolist(), "high": high.tolist()}
        found["curves"] = given[curves, :, 0].tolist()
    if grid.missing:
        gone = MISSING_CATEGORY if grid.kind == "category" else np.nan
        without = tried(probe, features, grid.feature, [gone])
        found["missing"] = {"rows": grid.missing, "mean": without.mean(axis=0)[0].tolist()}
    else:
        found["missing"] = None
    return found


def pair_of(
    probe: Probe, features: pd.DataFrame, train: pd.DataFrame, pair: Sequence[str], size: int
) -> dict[str, Any]:
    """Average the prediction over the plane of two features.

    Returns
    -------
    dict
        ``features``, ``values`` of each, ``mean`` of shape (n_second, n_first) of the last output,
        and ``rows`` of training in each cell: where there are none, the mean is a guess.
    """
    first, second = (grid_of(train, name, min(size, _PAIR_GRID)) for name in pair)
    spaced = np.linspace(0, len(features) - 1, min(len(features), _PAIR_ROWS)).astype(np.intp)
    rows = features.iloc[spaced].reset_index(drop=True)
    means = []
    for value in second.values:
        changed = rows.copy()
        changed[second.feature] = _as(rows[second.feature], [value] * len(rows))
        means.append(tried(probe, changed, first.feature, first.values).mean(axis=0)[:, -1])
    at = [_nearest(train[grid.feature], grid) for grid in (first, second)]
    counts = np.zeros((len(second.values), len(first.values)), dtype=np.int64)
    both = (at[0] >= 0) & (at[1] >= 0)
    np.add.at(counts, (at[1][both], at[0][both]), 1)
    return {
        "features": [first.feature, second.feature],
        "kinds": [first.kind, second.kind],
        "values": [first.values, second.values],
        "output": probe.outputs[-1],
        "mean": np.array(means).tolist(),
        "rows": counts.tolist(),
    }


def _nearest(values: pd.Series[Any], grid: Grid) -> NDArray[np.intp]:
    """Give the position of each row's nearest value in a grid, -1 where there is none."""
    if grid.kind == "category":
        table = {value: index for index, value in enumerate(grid.values)}
        return np.array([table.get(value, -1) for value in values], dtype=np.intp)
    numbers = values.to_numpy(dtype=np.float64)
    points = np.array(grid.values)
    found = np.searchsorted((points[1:] + points[:-1]) / 2, numbers)
    result: NDArray[np.intp] = np.where(np.isfinite(numbers), found, -1)
    return result

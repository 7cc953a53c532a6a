"""How much each row counts in a fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import ConfigError, DataError
from fivefold.table import TableSchema, require_columns, to_arrow

__all__ = ["require_no_feature", "sample_weight", "told"]


def require_no_feature(schema: TableSchema, name: str | None) -> None:
    """Make sure that a column of weights is not also what the model predicts by, or predicts.

    Raises
    ------
    ConfigError
        It is a feature or the target.
    """
    if name is not None and name in (*schema.features, schema.target):
        raise ConfigError(
            f"the weights are {'the target' if name == schema.target else 'a feature'}, too",
            where="train.weight",
            got=name,
            allowed="a column with another role than feature and target",
            hint="give it role: ignored in conf/schema.yaml",
        )


def sample_weight(frame: nw.LazyFrame[Any], name: str | None) -> NDArray[np.float64] | None:
    """Give the weights that a column holds, shape (n_rows,); None where none is named.

    Raises
    ------
    DataError
        The column is absent, holds no numbers, or some that are missing, negative or infinite; or
        all are zero.
    """
    if name is None:
        return None
    require_columns(frame, [name], where="train.weight", table="the training part")
    column = to_arrow(frame.select(name))[name]
    try:
        values = np.array(column.to_numpy(), dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            "the weights are no numbers", where=name, got=str(column.type), allowed="numbers"
        ) from None
    wrong = ~np.isfinite(values) | (values < 0)
    if wrong.any():
        raise DataError(
            f"{int(wrong.sum()):,} weights are missing, negative or infinite",
            where=name,
            got=str(values[wrong][0]),
            allowed="0 or more",
            hint="mend the column in clean.steps",
        )
    if not values.sum() > 0:
        raise DataError(
            "the weights sum to zero, so that no row counts",
            where=name,
            got=f"{len(values):,} rows",
            allowed="some weight above 0",
            hint="set train.weight to another column, or to null",
        )
    return values


def told(name: str | None, weights: NDArray[np.float64] | None) -> Mapping[str, Any] | None:
    """Describe the weights for ``reports/train.json``.

    The effective rows are Kish's, *Survey Sampling* (1965), section 11.7: as many of equal weight
    would tell as much.
    """
    if weights is None:
        return None
    return {
        "column": name,
        "min": float(weights.min()),
        "max": float(weights.max()),
        "zero_rows": int((weights == 0).sum()),
        "effective_rows": float(weights.sum() ** 2 / (weights**2).sum()),
    }

"""How much each row counts in a fit."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.errors import DataError
from fivefold.table import require_columns, to_arrow

__all__ = ["sample_weight"]


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

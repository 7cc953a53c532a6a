"""An isolation forest: grown on the training rows, asked about every row, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fivefold.data.cleaning.grouped import overall
from fivefold.data.columns import as_floats
from fivefold.data.rowhash import row_hashes
from fivefold.data.sampling import sample_of
from fivefold.errors import ConfigError, DataError
from fivefold.table.arrays import floats, truth_array
from fivefold.table.engine import batches, engine_of
from fivefold.table.settle import spill

__all__ = ["grown", "scored"]

# A tree sees 256 rows; the share of outliers is told well enough by this many.
_MOST_ROWS = 100_000
_TREES = 100
_FARTHEST = 1e38


def grown(
    training: nw.LazyFrame[Any],
    columns: Sequence[str],
    key: Sequence[str],
    contamination: float,
    seed: int,
) -> dict[str, Any]:
    """Grow the forest (Liu, Ting and Zhou, 2008) on at most 100,000 training rows.

    A missing value is taken for the median.

    Raises
    ------
    DataError
        A column has no finite value.
    """
    from sklearn.ensemble import IsolationForest

    if not 0 < contamination <= 0.5:
        raise ConfigError(
            "not a share of outliers", where="contamination", got=contamination,
            allowed="in (0, 0.5]",
        )  # fmt: skip
    numbers = as_floats(training, columns)
    medians = overall(numbers, {name: ("median", name) for name in columns})
    for name, median in medians.items():
        if median is None:
            raise DataError(
                f"no training row has a value of the column {name!r}", where="columns", got=name
            )
    sample = sample_of(training, list(key), list(columns), _MOST_ROWS)
    # The forest draws rows by their place, so the place must not depend on the engine.
    order = np.argsort(row_hashes(sample.table, list(key)), kind="stable")
    matrix = _matrix(sample.table, columns, medians)[order]
    forest = IsolationForest(n_estimators=_TREES, contamination=contamination, random_state=seed)
    forest.fit(matrix)
    return {
        "forest": forest,
        "rows": len(matrix),
        "medians": medians,
        "threshold": float(forest.offset_),
    }


def scored(
    table: nw.LazyFrame[Any], columns: Sequence[str], statistics: Mapping[str, Any], into: str
) -> nw.LazyFrame[Any]:
    """Add the column of truths ``into``, which says whether the row is an outlier."""
    schema, rows = batches(table)
    forest, medians = statistics["forest"], statistics["medians"]

    def judged() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            if batch.num_rows:
                matrix = _matrix(pa.Table.from_batches([batch]), columns, medians)
                yield batch.append_column(into, truth_array(forest.predict(matrix) < 0))

    return spill(schema.append(pa.field(into, pa.bool_())), judged(), engine_of(table))


def _matrix(
    table: pa.Table, columns: Sequence[str], medians: Mapping[str, Any]
) -> npt.NDArray[np.float64]:
    matrix = np.column_stack([floats(table[name]) for name in columns])
    for at, name in enumerate(columns):
        matrix[np.isnan(matrix[:, at]), at] = medians[name]
    # The trees keep 32 bits, in which an infinity is as far out as the largest number.
    return np.clip(matrix, -_FARTHEST, _FARTHEST)

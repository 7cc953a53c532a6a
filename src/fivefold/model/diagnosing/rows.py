"""The rows that are looked at: what is known of each, and which of them go together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fivefold.model.diagnosing.attributes import Attribute
from fivefold.model.diagnosing.losses import Loss
from fivefold.objective import Objective
from fivefold.scoring import Predictions
from fivefold.table import TableSchema

__all__ = ["LEAST_BLOCKS", "Blocks", "Judged", "blocks_of", "halves", "plain"]

LEAST_BLOCKS = 20
"""With fewer, their variance is too uncertain, and rows are taken for independent."""


@dataclass(frozen=True)
class Blocks:
    """Rows that are not independent of one another.

    Attributes
    ----------
    column : str
    unit : {"value", "day"}
        Rows of one value of the column, or of one calendar day, go together.
    numbers : ndarray of int, shape (n_rows,)
        Each row's block, from 0 on.
    count : int
    """

    column: str
    unit: str
    numbers: NDArray[np.intp]
    count: int

    def to_json(self) -> dict[str, Any]:
        """Give all but the numbers as plain values."""
        return {"column": self.column, "unit": self.unit, "count": self.count}


@dataclass(frozen=True)
class Judged:
    """The test part with its predictions.

    Attributes
    ----------
    test : pyarrow.Table
    schema : TableSchema
    objective : Objective
    predictions : Predictions
        In the rows' order.
    loss : Loss
    attributes : tuple of Attribute
    blocks : Blocks or None
    searched : ndarray of bool, shape (n_rows,)
        The half that is searched; the other judges what is found.
    """

    test: pa.Table
    schema: TableSchema
    objective: Objective
    predictions: Predictions
    loss: Loss
    attributes: tuple[Attribute, ...]
    blocks: Blocks | None
    searched: NDArray[np.bool_]

    @property
    def numbers(self) -> NDArray[np.intp] | None:
        """Each row's block, None where rows are independent."""
        return None if self.blocks is None else self.blocks.numbers

    def __len__(self) -> int:
        return len(self.loss.values)


def blocks_of(column: pa.ChunkedArray, name: str) -> Blocks:
    """Tell the blocks apart: of a moment its calendar day, of anything else its value."""
    unit = "value"
    if pa.types.is_timestamp(column.type):
        column, unit = column.cast(pa.timestamp("us", column.type.tz)).cast(pa.date32()), "day"
    codes = column.combine_chunks().dictionary_encode(null_encoding="encode")
    numbers = codes.indices.to_numpy(zero_copy_only=False).astype(np.intp)
    return Blocks(name, unit, numbers, len(codes.dictionary))


def halves(n_rows: int, blocks: Blocks | None, seed: int) -> NDArray[np.bool_]:
    """Draw the half of the rows that is searched, whole blocks of them; shape (n_rows,)."""
    generator = np.random.default_rng(seed)
    count = n_rows if blocks is None else blocks.count
    drawn = np.zeros(count, dtype=bool)
    drawn[generator.permutation(count)[: count // 2]] = True
    return drawn if blocks is None else drawn[blocks.numbers]


def plain(values: Sequence[Any]) -> list[Any]:
    """Turn cells into what JSON has: dates as ISO 8601, NaN as null."""
    return [_plain(value) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, np.generic):
        return _plain(value.item())
    if value is None or isinstance(value, str | bool | int):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

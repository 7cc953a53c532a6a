"""The part of each row, drawn as the stage split draws it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.data import parts
from fivefold.data.profiling.arrays import numbers_of
from fivefold.data.rowhash import integers, row_hashes
from fivefold.data.split import SplitConfig
from fivefold.data.splitting import PART, parted
from fivefold.errors import FivefoldError
from fivefold.objective import Objective
from fivefold.table import to_arrow

__all__ = ["NAMES", "PART", "Parting"]

NAMES = (*parts.PARTS, "unused")
"""The parts by their numbers, and the rows of none."""

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Parting:
    """How rows are split.

    Attributes
    ----------
    config : SplitConfig or None
        None where no split is declared, or it can't be read.
    reason : str
        Why there are no parts, for the page; the stage split has the last word on it.
    """

    config: SplitConfig | None
    reason: str = ""

    @classmethod
    def of(cls, split: Mapping[str, Any]) -> Parting:
        """Read the split's section."""
        known = {item.name for item in fields(SplitConfig)}
        if not split.get("key"):
            return cls(None, "no split is declared")
        try:
            return cls(SplitConfig(**{k: v for k, v in split.items() if k in known}))
        except FivefoldError as error:
            return cls(None, str(error).splitlines()[0])

    def codes(self, frame: nw.LazyFrame[Any], objective: Objective) -> tuple[Codes | None, str]:
        """Give the number of each row's part, in the order of the frame, or why there is none."""
        if self.config is None:
            return None, self.reason
        try:
            declared = self._declared(frame)
            if declared is not None:
                # Beside its column: alone, Polars 2.1 gives a conditional's rows in any order.
                table = to_arrow(frame.select(self._teller, declared))
                values, known, _ = numbers_of(table[PART])
                return np.where(known, values, parts.UNUSED), ""
            return self._drawn(self.config, frame, objective), ""
        except FivefoldError as error:
            return None, str(error).splitlines()[0]

    def attached(
        self, frame: nw.LazyFrame[Any], objective: Objective
    ) -> tuple[nw.LazyFrame[Any], str]:
        """Give a long table with the column ``PART``; as it is, and why, where there is none."""
        if self.config is None:
            return frame, self.reason
        try:
            declared = self._declared(frame)
            if declared is not None:
                return frame.with_columns(declared), ""
            return parted(frame, objective, self.config)[0], ""
        except FivefoldError as error:
            return frame, str(error).splitlines()[0]

    @property
    def _teller(self) -> str:
        """The column that tells the part, of the methods that have one."""
        assert self.config is not None  # noqa: S101
        return str(self.config.time if self.config.method == "time" else self.config.by)

    def _declared(self, frame: nw.LazyFrame[Any]) -> nw.Expr | None:
        """Give the part as an expression, where a column tells it."""
        config = self.config
        assert config is not None  # noqa: S101
        schema = frame.collect_schema()
        column = self._teller
        if column not in schema.names():
            return None
        if config.method == "column":
            return parts.by_column(column).cast(nw.Int64).alias(PART)
        if config.method != "time":
            return None
        names = ("train_until", "test_until", "production_until")
        ends = [(name, str(given)) for name in names if (given := getattr(config, name))]
        return parts.by_time(schema[column], column, ends).cast(nw.Int64).alias(PART)

    def _drawn(self, config: SplitConfig, frame: nw.LazyFrame[Any], objective: Objective) -> Codes:
        key = list(config.key)
        narrow = frame.select(*self._needed(frame, objective))
        _, columns = parted(narrow, objective, config)
        codes = integers(columns[PART])
        ours, theirs = row_hashes(to_arrow(frame.select(*key)), key), row_hashes(columns, key)
        if np.array_equal(ours, theirs):
            return codes
        # An engine may have kept the rows in another order.
        placed = np.empty(len(codes), dtype=np.int64)
        placed[np.argsort(ours, kind="stable")] = codes[np.argsort(theirs, kind="stable")]
        return placed

    def _needed(self, frame: nw.LazyFrame[Any], objective: Objective) -> Sequence[str]:
        """Name the columns that the split can look at: all whose names stand in its section."""
        given: list[Any] = [objective.target]
        for item in fields(SplitConfig):
            value = getattr(self.config, item.name)
            given += value if isinstance(value, list) else [value]
        have = set(frame.collect_schema().names())
        return [name for name in dict.fromkeys(map(str, given)) if name in have]

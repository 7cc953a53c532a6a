"""Which columns miss their values together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from fivefold.data.profiling.arrays import Flags, numbers_of
from fivefold.table import to_arrow

__all__ = ["Gaps", "patterns_in_engine", "summary_of"]

MOST_COLUMNS = 30
_SHOWN = 15
_FETCHED = 20_000

Patterns = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Which columns are missing, a bit for each, and in how many rows."""


class Gaps:
    """Keeps where values are missing, of the columns that miss most, eight rows a byte."""

    def __init__(self) -> None:
        self._flags: dict[str, tuple[int, NDArray[np.uint8]]] = {}

    def add(self, name: str, flags: Flags) -> None:
        """Take a column's missing rows, shape (n_rows,)."""
        self._flags[name] = int(flags.sum()), np.packbits(flags)
        if len(self._flags) > 2 * MOST_COLUMNS:
            self._flags = {name: self._flags[name] for name in self.columns}

    @property
    def columns(self) -> list[str]:
        """The columns that miss most, the first of them most."""
        order = sorted(self._flags, key=lambda name: -self._flags[name][0])
        return order[:MOST_COLUMNS]

    def patterns(self, rows: int) -> Patterns:
        """Count the rows of each combination of missing columns, the most frequent first."""
        codes = np.zeros(rows, dtype=np.int64)
        for at, name in enumerate(self.columns):
            codes |= np.unpackbits(self._flags[name][1], count=rows).astype(np.int64) << at
        found, counts = np.unique(codes, return_counts=True)
        order = np.lexsort((found, -counts))
        return found[order], counts[order].astype(np.int64)


def patterns_in_engine(frame: nw.LazyFrame[Any], columns: Sequence[str]) -> Patterns:
    """Count the same in the engine; only the most frequent are fetched."""
    code = nw.sum_horizontal(
        *(nw.col(name).is_null().cast(nw.Int64) * (1 << at) for at, name in enumerate(columns))
    )
    counted = frame.select(code.alias("__code")).group_by("__code").agg(nw.len().alias("__rows"))
    kept = counted.sort("__rows", "__code", descending=[True, False]).head(_FETCHED)
    table = to_arrow(kept)
    codes, rows = (numbers_of(table[name])[0].astype(np.int64) for name in ("__code", "__rows"))
    order = np.lexsort((codes, -rows))
    return codes[order], rows[order]


def summary_of(
    columns: Sequence[str], patterns: Patterns, rows: int, missing: Mapping[str, int]
) -> dict[str, Any] | None:
    """Describe the gaps.

    Parameters
    ----------
    columns : sequence of str
        Those the patterns are of, in the order of their bits.
    patterns : Patterns
        The most frequent first.
    rows : int
    missing : mapping of str to int
        Rows that miss each column, of all columns.

    Returns
    -------
    dict or None
        ``complete_rows``; ``columns``; ``patterns``, each with its rows and the columns missing;
        and ``together``, the correlation of each two columns' gaps (phi), None where it can't be
        told. None where nothing is missing.
    """
    if not columns:
        return None
    codes, counts = patterns
    flags = (codes[:, None] >> np.arange(len(columns))) & 1
    covered = int(counts.sum())
    return {
        "columns_with_gaps": sum(1 for count in missing.values() if count),
        "columns": list(columns),
        "complete_rows": int(counts[codes == 0].sum()),
        "patterns_total": len(codes),
        "patterns": [
            {
                "rows": int(count),
                "missing": [name for name, gone in zip(columns, row, strict=True) if gone],
            }
            for count, row in zip(counts[:_SHOWN].tolist(), flags[:_SHOWN].tolist(), strict=True)
        ],
        "together": together(flags, counts) if covered == rows else None,
    }


def together(flags: NDArray[np.int64], counts: NDArray[np.int64]) -> list[list[float | None]]:
    """Correlate gaps: Pearson's correlation of two columns of truths, weighted by rows."""
    weights = counts.astype(np.float64)
    total = weights.sum()
    values = flags.astype(np.float64)
    share = (values * weights[:, None]).sum(axis=0) / total
    both = (values * weights[:, None]).T @ values / total
    spread = np.sqrt(share * (1 - share))
    with np.errstate(divide="ignore", invalid="ignore"):
        phi = (both - np.outer(share, share)) / np.outer(spread, spread)
    return [
        [round(value, 3) + 0.0 if np.isfinite(value) else None for value in row]
        for row in phi.tolist()
    ]

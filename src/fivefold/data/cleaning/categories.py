"""Rare categories, merged into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from fivefold.data.columns import require_dtype, require_listed, rewritten
from fivefold.data.effects import effect
from fivefold.data.fitting import fitted
from fivefold.data.keys import count_rows
from fivefold.data.values import rows_of
from fivefold.errors import ConfigError
from fivefold.table import to_arrow

__all__ = ["merge_rare"]


def _frequent(
    training: nw.LazyFrame[Any],
    columns: Sequence[str],
    share: float | None = None,
    count: int | None = None,
) -> dict[str, Any]:
    """Count each category in the training rows, and keep those that are frequent enough."""
    require_listed(training, columns)
    if (share is None) == (count is None):
        raise ConfigError("either share or count says what is rare", where="share, count")
    if share is not None and not 0 < share < 1:
        raise ConfigError("not a share", where="share", got=share, allowed="between 0 and 1")
    if count is not None and count < 1:
        raise ConfigError("not a count", where="count", got=count, allowed="1 or more")
    least = float(count) if count is not None else (share or 0) * count_rows(training)
    kept: dict[str, Any] = {"rows_at_least": least, "kept": {}, "merged": {}}
    for name in columns:
        require_dtype(training, name, ("string",), "columns")
        counts = training.filter(~nw.col(name).is_null()).group_by(name).agg(nw.len().alias("__n"))
        frequent = rows_of(to_arrow(counts.filter(nw.col("__n") >= least).sort(name)))
        kept["kept"][name] = [row[name] for row in frequent]
        kept["merged"][name] = count_rows(counts.filter(nw.col("__n") < least))
    return kept


@effect(cells="columns")
@fitted(_frequent)
def merge_rare(
    table: nw.LazyFrame[Any],
    columns: Sequence[str],
    statistics: Any,
    share: float | None = None,  # noqa: ARG001 - for the learning
    count: int | None = None,  # noqa: ARG001 - for the learning
    into: str = "other",
) -> nw.LazyFrame[Any]:
    """Merge the categories that few training rows have, or none.

    Parameters
    ----------
    table : narwhals.LazyFrame
        The rows.
    columns : sequence of str
        Texts.
    statistics : dict
        What is frequent.
    share, count : float or int
        A category of a smaller share of the training rows, or of fewer of them, is rare; one of the
        two is given.
    into : str
        The category that takes them all.
    """
    return rewritten(
        table,
        (
            nw.when(nw.col(name).is_null() | nw.col(name).is_in([*statistics["kept"][name], into]))
            .then(nw.col(name))
            .otherwise(nw.lit(into))
            .alias(name)
            for name in columns
        ),
    )
